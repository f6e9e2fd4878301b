/**
 * `mariadb.check-replicas`: which replicas can take part, are they enough, is any of them not what it should be? Reads only.
 *
 * A replica takes part when it answers, replicates by GTID, writes a log that others can follow, and holds no transaction of its own
 * that nobody else has (an errant one: promoted, it would hand it to all others). Each one left out is named with a code and a reason,
 * as data. One that takes writes stops everything: it may be a second writer.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { messageOf, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import type { Dialect } from "./dialect.ts";
import { quorumOf } from "./quorum.ts";
import type { ServerStatus } from "./server-status.ts";

interface Input {
  /** The old writer. */
  readonly writer: string;
  /** All its replicas. */
  readonly replicas: readonly string[];
  /** How many must take part; default: by the rule in quorum.ts. */
  readonly quorum?: number | undefined;
}
const schema = inputSchema<Input>({ writer: text, replicas: texts, quorum: optional(amount) });

/** A replica that is left out, and why. */
export interface Rejected {
  readonly name: string;
  readonly code:
    | "UNREACHABLE"
    | "RESTARTED"
    | "NOT_FOLLOWING"
    | "NOT_BY_GTID"
    | "NO_LOG"
    | "NO_SEMISYNC"
    | "BROKEN"
    | "ERRANT";
  readonly reason: string;
}

/** What the plan goes on with. */
export interface CheckedReplicas {
  /** Those that take part. */
  readonly names: readonly string[];
  readonly rejected: readonly Rejected[];
  /** Replicas that must take part. */
  readonly required: number;
  /** Why that many; says whether they prove that nothing acknowledged is lost. */
  readonly quorum: string;
  /** Whether the cluster replicates semi-synchronously: the new writer will, too. */
  readonly semisync: boolean;
  /** Everything that any replica was seen to have, those left out included. */
  readonly seen: string;
}

/** What the quorum proves, and from what: the settings are the replicas', the old writer cannot be asked for its own any more. */
const NO_LOSS =
  "no acknowledged commit can be missing, provided that the old writer waited for an acknowledgement (semi-sync, AFTER_SYNC, without a fall-back to asynchronous)";

/** The action. Codes: NOT_A_REPLICA, FOREIGN_CLUSTER, NO_QUORUM. */
export function checkReplicas(access: Access): ActionDefinition<Input, CheckedReplicas> {
  return defineAction<Input, CheckedReplicas>({
    description: "Checks which replicas answer, belong to the cluster and are enough to choose from. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { replicas, quorum: override } = ctx.input;
      const answers = await askAll(access, ctx);
      const answered = answers.flatMap(({ name, status }) => (status ? [{ name, status }] : []));
      refuseWriters(answered);
      refuseForeign(answered);
      const unreachable = answers.flatMap(({ name, error }): Rejected[] =>
        error === undefined ? [] : [{ name, code: "UNREACHABLE", reason: error }],
      );
      const semisync = answered.some(({ status }) => status.semisyncReplica);
      const proof = semisync && override === undefined;
      const judged = answered.flatMap(
        (each) => faultOf(access, ctx.input.writer, each, answered) ?? ((proof && restartedFault(each)) || []),
      );
      const rejected = [...unreachable, ...judged];
      const names = answered.map(({ name }) => name).filter((name) => !judged.some((each) => each.name === name));
      const quorum = quorumOf({ total: replicas.length, semisync, override });
      if (names.length < quorum.required) {
        const missing = rejected.map(({ name, reason }) => `${name} (${reason})`).join(", ");
        refuse(
          "NO_QUORUM",
          `${names.length} replicas can take part, ${quorum.required} are needed (${quorum.reason}); missing: ${missing}. Repair them, or start again with a lower "quorum" and accept that acknowledged commits may be lost`,
          { rejected },
        );
      }
      for (const { name, reason } of rejected) ctx.log(`${name} is left out: ${reason}`);
      return {
        names,
        rejected,
        required: quorum.required,
        quorum: `${quorum.reason}; ${quorum.provesNoLoss ? NO_LOSS : "this does not prove that no acknowledged commit is missing"}`,
        semisync,
        seen: seenBy(
          access.dialect,
          answered.filter(({ name }) => names.includes(name)),
        ),
      };
    },
  });
}

interface Answered {
  readonly name: string;
  readonly status: ServerStatus;
}

interface Answer {
  readonly name: string;
  readonly status?: ServerStatus;
  readonly error?: string;
}

async function askAll(access: Access, ctx: ActionContext<Input>): Promise<readonly Answer[]> {
  return await Promise.all(
    ctx.input.replicas.map(async (name): Promise<Answer> => {
      access.node(name);
      try {
        return { name, status: await access.status(name, ctx) };
      } catch (error) {
        ctx.signal.throwIfAborted();
        return { name, error: messageOf(error) };
      }
    }),
  );
}

function refuseWriters(answered: readonly Answered[]): void {
  const writer = answered.find(({ status }) => !status.readOnly);
  if (writer === undefined) return;
  refuse(
    "NOT_A_REPLICA",
    `${writer.name} takes writes (read_only is off): find out which node the clients use before anything else; if it is a replica, set read_only there`,
  );
}

function refuseForeign(answered: readonly Answered[]): void {
  const domains = new Set(answered.map(({ status }) => status.domain));
  if (domains.size <= 1) return;
  const members = answered.map(({ name, status }) => ({ name, domain: status.domain }));
  refuse(
    "FOREIGN_CLUSTER",
    "the replicas write in different GTID domains (gtid_domain_id): are they one cluster?",
    members,
  );
}

/** Why a replica that answers cannot take part; undefined when it can. */
export function faultOf(
  access: Pick<Access, "dialect" | "followed">,
  writer: string,
  { name, status }: Answered,
  answered: readonly Answered[],
): Rejected | undefined {
  const { replica } = status;
  const fault = (code: Rejected["code"], reason: string): Rejected => ({ name, code, reason });
  const others = answered.filter((each) => each.name !== name).map((each) => each.status);
  const errant = access.dialect.unshared(status, others);
  if (errant.length > 0) {
    const gtids = errant.map((range) => range.gtids).join(", ");
    return fault("ERRANT", `holds transactions of its own that nobody else has: ${gtids}`);
  }
  if (replica === null) return fault("NOT_FOLLOWING", "replicates from nobody");
  const followed = access.followed(replica) ?? writer;
  if (followed !== writer) return fault("NOT_FOLLOWING", `follows ${followed}, not ${writer}`);
  if (!replica.byGtid) return fault("NOT_BY_GTID", "replicates by file and offset, not by GTID");
  if (!status.keepsLog) return fault("NO_LOG", "writes no log of what it replicates, so nobody could follow it");
  if (status.semisyncReplica && !status.semisyncAble) {
    return fault("NO_SEMISYNC", "has no semi-sync plugin for writers, so it could not wait for its replicas");
  }
  if (!replica.applying) return fault("BROKEN", `does not apply what it receives: ${replica.applyError || "stopped"}`);
  return undefined;
}

/**
 * A replica that was restarted after the writer died has forgotten what it acknowledged and had not applied: it is as good a candidate
 * as its position, but no witness that nothing acknowledged is missing. An operator's own quorum does without that proof.
 */
function restartedFault({ name, status }: Answered): Rejected | undefined {
  if (status.replica?.reached !== false) return undefined;
  const reason = "was restarted and has not reached the writer since: what it had acknowledged and not applied is gone";
  return { name, code: "RESTARTED", reason };
}

function seenBy(dialect: Dialect, answered: readonly Answered[]): string {
  return answered.map(({ status }) => status.replica?.received ?? status.executed).reduce(dialect.union, "");
}
