/**
 * `postgres.rejoin`: the old primary becomes a standby of the new writer, if need be by being copied anew.
 *
 * It first starts fenced (a standby of nobody) and replays what it has. If its WAL ends at or before the fork it follows as it is. If
 * it holds WAL that the writer never had, it has diverged: synchronous replication does not prevent that, commits that nobody
 * acknowledged are enough. The rows that a wipe would destroy are reported before it, because the report is all that remains.
 * Invariants: nothing is wiped before the divergence is proved, unless the plan says `reclone: always`; a server that is known to
 * belong to another cluster is never wiped; what was found before a wipe is said after it, whoever ends the work (R42).
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { refuseIfAnotherWrites } from "../route/route-steps.ts";
import { inputSchema, oneOf, optional, shape, text } from "../step/input-schema.ts";
import { messageOf, pause, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query } from "./client.ts";
import { followWriter, proveFollowing } from "./follow.ts";
import { setPrimaryConninfo } from "./freeze.ts";
import { noteFound, readFound } from "./rejoin-note.ts";
import { findSalvageable, rowsOf, type SalvageReport, type SalvageTable } from "./salvage.ts";
import { endOfWal, isEndOfWalKnown, type ServerStatus } from "./status.ts";
import { type Branch, type Divergence, divergence, type Fork, historyFile, parseHistory } from "./timeline.ts";

interface Input {
  /** The server that rejoins. */
  readonly node: string;
  readonly writer: string;
  /** When it may be wiped and copied anew: never, when it has diverged (default), or also when it does not start. */
  readonly reclone?: "never" | "diverged" | "always" | undefined;
  /** Table whose rows are compared before a wipe; nothing = only the bytes of divergence are reported. */
  readonly salvage?: SalvageTable | undefined;
}
const schema = inputSchema<Input>({
  node: text,
  writer: text,
  reclone: optional(oneOf("never", "diverged", "always")),
  salvage: optional(shape<SalvageTable>("a table and its key", { table: text, key: text })),
});

/** How the server came back. */
export interface Rejoined {
  readonly node: string;
  readonly writer: string;
  /** `direct`: as it was. `reclone`: wiped and copied. */
  readonly mode: "direct" | "reclone";
  readonly timeline: number;
  /** End of its own WAL before it rejoined; null when it did not start. */
  readonly endLsn: string | null;
  /** Bytes of WAL that only it had. */
  readonly divergedBytes: number;
  /** Rows that only it had; null when no table was named or it could not be read. */
  readonly salvageable: SalvageReport | null;
  /** Bytes copied from the writer; 0 when it was not wiped, null when the process that copied it did not live to say so. */
  readonly copiedBytes: number | null;
}

/** What is known of a server before it is wiped. */
type Found = Pick<Rejoined, "endLsn" | "divergedBytes" | "salvageable">;

const SETTLE_PAUSE_MS = 100;
/** One statement of the comparison may read a large table; the node's own timeout usually ends it earlier. */
const SALVAGE_QUERY_TIMEOUT_MS = 600_000;

/** The action. Codes: INPUT_CONFLICT, ROUTE_DISAGREES, FOREIGN_CLUSTER, SPLIT_BRAIN, DIVERGED, DOES_NOT_START_FENCED, NO_WRITER. */
export function rejoin(access: Access): ActionDefinition<Input, Rejoined> {
  return defineAction<Input, Rejoined>({
    description:
      "Brings the old primary back as a standby; reports what only it had and copies it anew if it diverged.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { node, writer, reclone = "diverged" } = ctx.input;
      await checkNames(access, ctx.input);
      const target = await readWriter(access, ctx);
      const end = await startFenced(access, ctx);
      await refuseForeign(access, ctx.input, end, target.systemIdentifier);
      const verdict = end === null ? UNREADABLE : await compare(access, ctx, end, target);
      const known = { node, writer, timeline: target.timeline, endLsn: end && endOfWal(end) };
      if (verdict.kind === "shared") {
        await query(access.node(node), "alter system reset default_transaction_read_only", [], access.call(ctx));
        await followWriter(access, node, writer, ctx);
        // An earlier attempt, or an earlier execution of this one, found it diverged: it was wiped since.
        const found = await readFound<Found>(access.node(writer), noteKey(ctx), access.call(ctx));
        if (found !== undefined) return { ...known, ...found, mode: "reclone", copiedBytes: null };
        return { ...known, mode: "direct", divergedBytes: 0, salvageable: null, copiedBytes: 0 };
      }
      const divergedBytes = verdict.kind === "diverged" ? verdict.bytes : 0;
      const salvageable = end === null ? null : await reportSalvageable(access, ctx);
      ctx.log(`${node} has diverged from ${writer}: ${describe(verdict, salvageable)}`);
      if (reclone === "never") {
        refuse(
          "DIVERGED",
          `${node} cannot follow ${writer} as it is: ${describe(verdict, salvageable)}. It stays fenced`,
          {
            ...known,
            divergedBytes,
            salvageable,
          },
        );
      }
      const found: Found = { endLsn: known.endLsn, divergedBytes, salvageable };
      await noteFound(access.node(writer), noteKey(ctx), found, access.call(ctx));
      const copiedBytes = await copyAnew(access, ctx);
      return { ...known, ...found, mode: "reclone", copiedBytes };
    },
  });
}

/** A stale second primary answers as a writer does: what was copied from it would replace what the clients wrote. */
async function checkNames(access: Access, { node, writer }: Input): Promise<void> {
  if (node === writer) refuse("INPUT_CONFLICT", `${node} is named both as the writer and as the one that rejoins`);
  for (const name of [node, writer]) access.node(name);
  await refuseIfAnotherWrites(access, writer);
}

function noteKey({ runId, nodeId }: ActionContext<Input>): string {
  return `${runId}/${nodeId}`;
}

const UNREADABLE = { kind: "unreadable" } as const;
type Verdict = Divergence | typeof UNREADABLE;

async function readWriter(
  access: Access,
  ctx: ActionContext<Input>,
): Promise<Branch & { readonly systemIdentifier: string }> {
  const { writer } = ctx.input;
  const { inRecovery, timeline, systemIdentifier } = await access.status(writer, ctx);
  if (inRecovery) refuse("NO_WRITER", `${writer} is a standby itself: nothing can rejoin it`);
  return { timeline, forks: await readForks(access, ctx, writer, timeline), systemIdentifier };
}

async function readForks(
  access: Access,
  ctx: ActionContext<Input>,
  name: string,
  timeline: number,
): Promise<readonly Fork[]> {
  const rows = await query<{ history: string | null }>(
    access.node(name),
    "select pg_read_file('pg_wal/' || $1, true) as history",
    [historyFile(timeline)],
    access.call(ctx),
  );
  return parseHistory(rows[0]?.history ?? "");
}

async function compare(
  access: Access,
  ctx: ActionContext<Input>,
  end: ServerStatus,
  writer: Branch,
): Promise<Divergence> {
  const forks = await readForks(access, ctx, ctx.input.node, end.timeline);
  return divergence({ timeline: end.timeline, forks, endLsn: endOfWal(end) }, writer);
}

/** Refuses a server of another cluster; one that does not start is judged by its control file, as far as that can be read. */
async function refuseForeign(
  access: Access,
  { node, writer }: Input,
  end: ServerStatus | null,
  identifier: string,
): Promise<void> {
  const own =
    end?.systemIdentifier ??
    (await access.control.controlState(node).then(
      ({ systemIdentifier }) => systemIdentifier,
      () => identifier,
    ));
  if (own === identifier) return;
  refuse(
    "FOREIGN_CLUSTER",
    `${node} belongs to another cluster than ${writer} (their system identifiers differ): it is not wiped. Is the parameter right?`,
  );
}

/** The status of the server once it has replayed all it has; null when it does not start and may be copied anew. */
async function startFenced(access: Access, ctx: ActionContext<Input>): Promise<ServerStatus | null> {
  const { node, reclone } = ctx.input;
  const { control } = access;
  // Also one that is marked already: with somebody to follow it would go on receiving, and its position would never stand still.
  if (!(await control.isRunning(node))) await control.markStandby(node, "");
  try {
    // Also when it runs: it may still be starting, since whoever began that has died.
    await control.start(node);
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (reclone === "always") return null;
    refuse(
      "DOES_NOT_START_FENCED",
      `${node} does not start: ${messageOf(error)}. Repair it, or save its data directory and rejoin it with reclone "always"`,
    );
  }
  let status = await access.status(node, ctx);
  if (!status.inRecovery) {
    refuse("SPLIT_BRAIN", `${node} runs as a primary beside ${ctx.input.writer}: stop it before it rejoins`);
  }
  if (status.primaryConninfo !== "") await setPrimaryConninfo(access, node, "", ctx);
  // Over when nothing is left on disk and the position stands still.
  for (let still = 0; still < 2; ) {
    await pause(SETTLE_PAUSE_MS, ctx.signal);
    ctx.heartbeat();
    const next = await access.status(node, ctx);
    still = next.replayLsn === status.replayLsn && isEndOfWalKnown(next) ? still + 1 : 0;
    status = next;
  }
  return status;
}

async function reportSalvageable(access: Access, ctx: ActionContext<Input>): Promise<SalvageReport | null> {
  const { node, writer, salvage } = ctx.input;
  if (salvage === undefined) return null;
  const report = await findSalvageable(access.node(node), access.node(writer), salvage, {
    ...access.call(ctx),
    queryTimeoutMs: SALVAGE_QUERY_TIMEOUT_MS,
  });
  const exist = report.count === 1 ? "exists" : "exist";
  ctx.log(`${rowsOf(report.count, salvage.table)} ${exist} only on ${node}`, { keys: report.keys });
  return report;
}

async function copyAnew(access: Access, ctx: ActionContext<Input>): Promise<number> {
  const { node, writer } = ctx.input;
  if (await access.control.isRunning(node)) await access.control.stop(node);
  ctx.signal.throwIfAborted();
  const { bytes } = await access.control.reclone(node, access.node(writer));
  await access.control.start(node);
  await proveFollowing(access, node, writer, ctx);
  return bytes;
}

function describe(verdict: Verdict, salvageable: SalvageReport | null): string {
  const rows = salvageable === null ? "" : `, ${rowsOf(salvageable.count, salvageable.table)} only there`;
  if (verdict.kind === "diverged") return `${verdict.bytes} bytes of WAL that the writer never had${rows}`;
  if (verdict.kind === "unreadable") return "it does not start, so what it holds is not known";
  return `its timeline is no ancestor of the writer's${rows}`;
}
