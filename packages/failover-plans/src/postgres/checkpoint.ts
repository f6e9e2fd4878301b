/**
 * `postgres.checkpoint`. Before a planned stop it makes the shutdown short, while writes go on; after a promotion it brings the new
 * timeline into the control file, without which pg_rewind finds "no rewind required" and does nothing.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import type { Access } from "./access.ts";
import { query } from "./client.ts";

interface Input {
  readonly node: string;
}
const schema = inputSchema<Input>({ node: text });

/** Milliseconds for the checkpoint; the node's own timeout usually ends it earlier. */
const CHECKPOINT_TIMEOUT_MS = 600_000;

/** The action. */
export function checkpoint(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Runs CHECKPOINT on a node.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const options = { ...access.call(ctx), queryTimeoutMs: CHECKPOINT_TIMEOUT_MS };
      await query(access.node(ctx.input.node), "checkpoint", [], options);
    },
  });
}
