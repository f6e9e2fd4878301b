/**
 * `postgres.check-switchover`: may the roles be swapped now? Reads only. Everything that would make the planned stop hang or lose its
 * way is refused here, while the old primary still takes writes.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query } from "./client.ts";
import { bytesBehind } from "./lsn.ts";
import { DEFAULT_LAG_CEILING_BYTES } from "./ranking.ts";
import { endOfWal, type ServerStatus } from "./status.ts";

interface Input {
  readonly primary: string;
  readonly candidate: string;
  /** All standbys, the candidate included. */
  readonly standbys: readonly string[];
  /** Bytes that a standby may be behind before writes are stopped. Default 16 MiB. */
  readonly lagCeilingBytes?: number | undefined;
}
const schema = inputSchema<Input>({
  primary: text,
  candidate: text,
  standbys: texts,
  lagCeilingBytes: optional(amount),
});

/** What the plan goes on with. */
export interface SwitchoverCheck {
  readonly primary: string;
  readonly candidate: string;
  /** The standbys that are not promoted. */
  readonly others: readonly string[];
  /** Timeline before the promotion. */
  readonly timeline: number;
}

/**
 * The action. Codes: INPUT_CONFLICT, ROUTE_DISAGREES, NOT_A_PRIMARY, READ_ONLY_ALREADY, PREPARED_TRANSACTIONS, STANDBY_NOT_READY,
 * LAG_CEILING.
 */
export function checkSwitchover(access: Access): ActionDefinition<Input, SwitchoverCheck> {
  return defineAction<Input, SwitchoverCheck>({
    description:
      "Checks that the primary is healthy and that every standby streams from it, close behind. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary, candidate, standbys } = ctx.input;
      if (!standbys.includes(candidate))
        refuse("INPUT_CONFLICT", `the candidate ${candidate} is not among the standbys`);
      if (standbys.includes(primary)) refuse("INPUT_CONFLICT", `${primary} is named as the primary and as a standby`);
      const { writer } = await access.route.current();
      if (writer !== null && writer !== primary) {
        refuse(
          "ROUTE_DISAGREES",
          `the route says that ${writer} takes writes, not ${primary}: is the parameter right?`,
        );
      }
      const status = await checkPrimary(access, ctx);
      for (const standby of standbys) await checkStandby(access, ctx, standby, status);
      return {
        primary,
        candidate,
        others: standbys.filter((name) => name !== candidate),
        timeline: status.timeline,
      };
    },
  });
}

async function checkPrimary(access: Access, ctx: ActionContext<Input>): Promise<ServerStatus> {
  const { primary } = ctx.input;
  const status = await access.status(primary, ctx);
  if (status.inRecovery) refuse("NOT_A_PRIMARY", `${primary} is a standby, there is nothing to switch over from it`);
  if (status.readOnlyByDefault) {
    refuse(
      "READ_ONLY_ALREADY",
      `${primary} has default_transaction_read_only on, perhaps from a switchover that was given up: reset it first, since undoing this one would reset it too`,
    );
  }
  const prepared = await query<{ gid: string }>(
    access.node(primary),
    "select gid from pg_prepared_xacts order by prepared limit 10",
    [],
    access.call(ctx),
  );
  if (prepared.length > 0) {
    const gids = prepared.map(({ gid }) => gid);
    refuse(
      "PREPARED_TRANSACTIONS",
      `${primary} has prepared transactions (${gids.join(", ")}): finish them first`,
      gids,
    );
  }
  return status;
}

async function checkStandby(
  access: Access,
  ctx: ActionContext<Input>,
  standby: string,
  primary: ServerStatus,
): Promise<void> {
  const status = await access.status(standby, ctx);
  const isReadOnly = standby === ctx.input.candidate && status.readOnlyByDefault;
  const problem =
    (isReadOnly && "has default_transaction_read_only on and would refuse writes as the new primary") ||
    (!status.inRecovery && "is not a standby") ||
    (status.systemIdentifier !== primary.systemIdentifier && "belongs to another cluster") ||
    ((status.walReceiver !== "streaming" || status.receivedTimeline !== primary.timeline) &&
      `does not stream timeline ${primary.timeline} from ${ctx.input.primary}`);
  if (problem) refuse("STANDBY_NOT_READY", `${standby} ${problem}: repair it or leave it out of "standbys"`);
  const behind = bytesBehind(status.replayLsn ?? endOfWal(status), primary.flushLsn ?? "0/0");
  const { lagCeilingBytes = DEFAULT_LAG_CEILING_BYTES } = ctx.input;
  if (behind > lagCeilingBytes) {
    refuse(
      "LAG_CEILING",
      `${standby} is ${behind} bytes behind, ${lagCeilingBytes} are allowed: writes would be blocked while it catches up`,
    );
  }
}
