/**
 * `postgres.verify-writer`: the promoted node takes writes, on a newer timeline than before. Writes one marker row, nothing else.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { writeMarker } from "./marker.ts";
import type { Promoted } from "./promote.ts";

interface Input {
  readonly writer: string;
  /** Timeline before the promotion. */
  readonly oldTimeline: number;
}
const schema = inputSchema<Input>({ writer: text, oldTimeline: amount });

/** Milliseconds for the new writer to answer as one. */
const VERIFY_TIMEOUT_MS = 20_000;

/** The action. Code: NEW_WRITER_READ_ONLY. */
export function verifyWriter(access: Access): ActionDefinition<Input, Promoted> {
  return defineAction<Input, Promoted>({
    description: "Checks that the new writer left recovery, writes a newer timeline and accepts a marker row.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, oldTimeline } = ctx.input;
      const status = await until(`${writer} to be the writer`, access.wait(ctx, VERIFY_TIMEOUT_MS), async () => {
        const answer = await access.status(writer, ctx);
        return !answer.inRecovery && answer.timeline > oldTimeline && answer;
      });
      if (status.readOnlyByDefault) {
        refuse(
          "NEW_WRITER_READ_ONLY",
          `${writer} has default_transaction_read_only on: reset it there, then retry this node`,
        );
      }
      await writeMarker(access.node(writer), `${ctx.runId}/${ctx.nodeId}`, access.call(ctx));
      return { writer, timeline: status.timeline };
    },
  });
}
