/**
 * `postgres.follow`: a standby follows the new writer, proved. Also owns the proof, which every rejoin uses.
 *
 * A WAL receiver that reads "streaming" proves nothing: a diverged server shows it between two retries and never gets another row.
 * The proof is a received timeline equal to the writer's and a marker row, written after the standby was pointed at the
 * writer, that can be read on the standby.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { setPrimaryConninfo } from "./freeze.ts";
import { showsMarker, writeMarker } from "./marker.ts";
import { endOfWal } from "./status.ts";

interface Input {
  readonly standby: string;
  readonly writer: string;
}
const schema = inputSchema<Input>({ standby: text, writer: text });

/** A standby that was seen to replay what the writer writes. */
export interface Following {
  readonly standby: string;
  readonly writer: string;
  readonly timeline: number;
  /** End of its WAL at that moment. */
  readonly lsn: string;
}

/** Milliseconds for a standby to show the marker. */
const FOLLOW_TIMEOUT_MS = 45_000;

/** The action. Codes: NOT_A_STANDBY, NO_WRITER. */
export function follow(access: Access): ActionDefinition<Input, Following> {
  return defineAction<Input, Following>({
    description: "Points a standby at the new writer and proves that it replays what is written there.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { standby, writer } = ctx.input;
      const status = await access.status(standby, ctx);
      if (!status.inRecovery) refuse("NOT_A_STANDBY", `${standby} takes writes itself: it is no standby of ${writer}`);
      return await followWriter(access, standby, writer, ctx);
    },
  });
}

/** Points a running standby at the writer and proves that it follows. */
export async function followWriter(
  access: Access,
  standby: string,
  writer: string,
  ctx: ActionContext<unknown>,
): Promise<Following> {
  await setPrimaryConninfo(access, standby, access.control.conninfo(standby, access.node(writer)), ctx);
  return await proveFollowing(access, standby, writer, ctx);
}

/** Waits for the proof. Code: NO_WRITER. */
export async function proveFollowing(
  access: Access,
  standby: string,
  writer: string,
  ctx: ActionContext<unknown>,
): Promise<Following> {
  const { inRecovery, timeline } = await access.status(writer, ctx);
  if (inRecovery) refuse("NO_WRITER", `${writer} is a standby itself: nothing can follow it as the writer`);
  const marker = await writeMarker(access.node(writer), `${ctx.runId}/${ctx.nodeId}/${standby}`, access.call(ctx));
  const what = `${standby} to replay timeline ${timeline} of ${writer}`;
  return await until(what, access.wait(ctx, FOLLOW_TIMEOUT_MS), async () => {
    ctx.heartbeat();
    const status = await access.status(standby, ctx);
    if (status.walReceiver !== "streaming" || status.receivedTimeline !== timeline) return false;
    if (!(await showsMarker(access.node(standby), marker, access.call(ctx)))) return false;
    return { standby, writer, timeline, lsn: endOfWal(status) };
  });
}
