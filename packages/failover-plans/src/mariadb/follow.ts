/**
 * `mariadb.follow`: a replica follows the new writer, proved. Also owns the proof, which every rejoin uses.
 *
 * Two threads that say "Yes" prove nothing: a replica that holds something of its own shows that between two errors and never gets
 * another row. The proof is both threads running and a marker row, written after the replica was pointed at the writer, that can be
 * read on the replica.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { withSession } from "../mysql-client/client.ts";
import { flag, inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { type Marker, showsMarker, writeMarker } from "./marker.ts";

interface Input {
  readonly replica: string;
  readonly writer: string;
  /** Whether the replica acknowledges what it receives. */
  readonly semisync: boolean;
}
const schema = inputSchema<Input>({ replica: text, writer: text, semisync: flag });

/** A replica that was seen to apply what the writer writes. */
export interface Following {
  readonly replica: string;
  readonly writer: string;
  /** What it had committed at that moment. */
  readonly position: string;
}

/** Milliseconds for a replica to show the marker. */
const FOLLOW_TIMEOUT_MS = 45_000;

/** The action. Codes: NOT_A_REPLICA, NO_WRITER, DOES_NOT_APPLY, CANNOT_FOLLOW. */
export function follow(access: Access): ActionDefinition<Input, Following> {
  return defineAction<Input, Following>({
    description: "Points a replica at the new writer and proves that it applies what is written there.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { readOnly } = await access.status(ctx.input.replica, ctx);
      if (!readOnly) refuse("NOT_A_REPLICA", `${ctx.input.replica} takes writes itself: it is no replica`);
      return await followWriter(access, ctx.input, ctx);
    },
  });
}

/** Points a running server that refuses writes at the writer, proves that it follows, and lets it start as a replica from now on. */
export async function followWriter(access: Access, wanted: Input, ctx: ActionContext<unknown>): Promise<Following> {
  const { replica, writer, semisync } = wanted;
  const { dialect, control } = access;
  const source = access.node(writer);
  const status = await access.status(writer, ctx);
  if (status.readOnly) refuse("NO_WRITER", `${writer} refuses writes: nothing can follow it as the writer`);
  const statements = dialect.follow(source, control.replicationUser(replica, source));
  // Semi-sync is a matter of the connection: a thread that runs keeps what it began with.
  await access.run(replica, [...(semisync ? dialect.semisync("replica") : []), ...statements], ctx);
  const following = await proveFollowing(access, wanted, ctx);
  await control.setStartRole(replica, "replica");
  return following;
}

/** Waits for the proof. The marker waits for an acknowledgement itself: it is written once somebody listens. */
async function proveFollowing(
  access: Access,
  { replica: name, writer }: Input,
  ctx: ActionContext<unknown>,
): Promise<Following> {
  let marker: Marker | undefined;
  return await until(`${name} to apply what ${writer} writes`, access.wait(ctx, FOLLOW_TIMEOUT_MS), async () => {
    ctx.heartbeat();
    const { replica, executed } = await access.status(name, ctx);
    if (replica?.applying !== true) {
      const why = replica?.applyError || "it was stopped";
      refuse("DOES_NOT_APPLY", `${name} does not apply what it receives from ${writer}: ${why}`);
    }
    if (replica.receiving === "no" && replica.receiveError !== "") {
      refuse("CANNOT_FOLLOW", `${name} cannot follow ${writer}: ${replica.receiveError}`);
    }
    if (replica.receiving !== "yes") throw new Error(replica.receiveError || "it has no connection yet");
    marker ??= await withSession(access.node(writer), access.call(ctx), (session) =>
      writeMarker(session, `${ctx.runId}/${ctx.nodeId}/${name}`),
    );
    if (!(await showsMarker(access.node(name), marker, access.call(ctx)))) return false;
    return { replica: name, writer, position: executed };
  });
}
