/**
 * The two proofs that a candidate has everything before it is promoted in a switchover: `postgres.drain` while the old primary still
 * runs, `postgres.verify-shutdown` once it has ended. Both read only.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query } from "./client.ts";
import { compareLsn } from "./lsn.ts";
import { endOfWal } from "./status.ts";

interface Input {
  readonly primary: string;
  readonly candidate: string;
}
const schema = inputSchema<Input>({ primary: text, candidate: text });

/** Milliseconds for the candidate to catch up while writes are blocked. */
const DRAIN_TIMEOUT_MS = 45_000;
/** Milliseconds for the last WAL record to arrive; it was sent before the old primary ended. */
const SHUTDOWN_TIMEOUT_MS = 15_000;

/** Waits until the candidate has replayed all that the old primary had flushed when asked. */
export function drain(access: Access): ActionDefinition<Input, { readonly lsn: string }> {
  return defineAction<Input, { readonly lsn: string }>({
    description: "Waits until the candidate has replayed everything the old primary wrote. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary, candidate } = ctx.input;
      const [row] = await query<{ lsn: string }>(
        access.node(primary),
        "select pg_current_wal_flush_lsn()::text as lsn",
        [],
        access.call(ctx),
      );
      const lsn = row?.lsn ?? "0/0";
      await until(`${candidate} to replay ${lsn}`, access.wait(ctx, DRAIN_TIMEOUT_MS), async () => {
        const { replayLsn } = await access.status(candidate, ctx);
        return replayLsn !== null && compareLsn(replayLsn, lsn) >= 0;
      });
      return { lsn };
    },
  });
}

/** Proves that the old primary ended cleanly and that the candidate holds its very last record. Codes: UNCLEAN_SHUTDOWN, STILL_RUNNING. */
export function verifyShutdown(access: Access): ActionDefinition<Input, { readonly checkpointLsn: string }> {
  return defineAction<Input, { readonly checkpointLsn: string }>({
    description: "Checks that the old primary ended cleanly and that the candidate received its shutdown checkpoint.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary, candidate } = ctx.input;
      if (await access.control.isRunning(primary)) refuse("STILL_RUNNING", `${primary} is running again`);
      const { cleanShutdown, checkpointLsn } = await access.control.controlState(primary);
      if (!cleanShutdown) refuse("UNCLEAN_SHUTDOWN", `${primary} did not end with a shutdown checkpoint`);
      const what = `${candidate} to hold the shutdown checkpoint at ${checkpointLsn}`;
      await until(what, access.wait(ctx, SHUTDOWN_TIMEOUT_MS), async () => {
        // The record begins at that position: who holds it ends beyond.
        return compareLsn(endOfWal(await access.status(candidate, ctx)), checkpointLsn) > 0;
      });
      return { checkpointLsn };
    },
  });
}
