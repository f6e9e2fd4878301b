/**
 * `postgres.check-standbys`: which standbys can take part, are they enough, and how far was the old primary seen? Reads only.
 *
 * A standby takes part when it answers, is in recovery, belongs to the same cluster and has WAL of the newest timeline. One that is
 * out of recovery stops everything: it may be a second primary.
 */
import { type ActionContext, type ActionDefinition, defineAction, type Json } from "@belay/engine";
import { amount, inputSchema, optional, texts } from "../step/input-schema.ts";
import { messageOf, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { maxLsn } from "./lsn.ts";
import { type Quorum, quorumOf } from "./quorum.ts";
import { endOfWal, type ServerStatus } from "./status.ts";

interface Input {
  /** All standbys of the cluster. */
  readonly standbys: readonly string[];
  /** How many must take part; default: by the rule in quorum.ts. */
  readonly quorum?: number | undefined;
}
const schema = inputSchema<Input>({ standbys: texts, quorum: optional(amount) });

/** A standby that takes part. */
export interface UsableStandby {
  readonly name: string;
  /**
   * What it follows now, so that the freeze can be undone. Null when that may hold a password, which is never journaled, and when it
   * follows nobody (a former run froze it and was given up): the undoing composes it anew then.
   */
  readonly primaryConninfo: string | null;
}

/** What the plan goes on with. */
export interface CheckedStandbys {
  readonly usable: readonly UsableStandby[];
  readonly names: readonly string[];
  /** Standbys that cannot take part, and why. */
  readonly unusable: readonly { readonly name: string; readonly reason: string }[];
  /** Standbys that must take part. */
  readonly required: number;
  /** Why that many; says whether they prove that nothing acknowledged is lost. */
  readonly quorum: string;
  /** Timeline before the promotion. */
  readonly timeline: number;
  /** The furthest position that any standby heard the old primary report; null when unknown. */
  readonly seenLsn: string | null;
}

/** What the quorum proves, and from what: the settings are the standbys', the old primary cannot be asked for its own any more. */
const NO_LOSS =
  "no acknowledged commit can be missing, provided that the old primary ran with the synchronous_standby_names of these standbys and its clients with synchronous_commit on";

/** The action. Codes: NOT_A_STANDBY, NO_QUORUM, FOREIGN_CLUSTER, READ_ONLY_STANDBY. */
export function checkStandbys(access: Access): ActionDefinition<Input, CheckedStandbys> {
  return defineAction<Input, CheckedStandbys>({
    description: "Checks which standbys answer, belong to the cluster and are enough to choose from. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const answers = await askAll(access, ctx);
      const answered = answers.flatMap(({ name, status }) => (status ? [{ name, status }] : []));
      refusePromoted(answered);
      refuseForeign(answered);
      refuseReadOnly(answered);
      const timeline = Math.max(0, ...answered.map(({ status }) => status.timeline));
      const usable = answered.filter(({ status }) => status.timeline === timeline);
      const quorum = quorumOf({
        standbys: ctx.input.standbys,
        synchronousStandbyNames:
          usable.find(({ status }) => status.synchronousStandbyNames !== "")?.status.synchronousStandbyNames ?? "",
        override: ctx.input.quorum,
      });
      const unusable = [
        ...answers.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, reason: error }])),
        ...answered
          .filter((each) => !usable.includes(each))
          .map(({ name, status }) => ({ name, reason: `on timeline ${status.timeline}, not ${timeline}` })),
      ];
      refuseTooFew(usable.length, quorum, unusable);
      return {
        usable: usable.map(({ name, status }) => ({ name, primaryConninfo: journalable(status.primaryConninfo) })),
        names: usable.map(({ name }) => name),
        unusable,
        required: quorum.required,
        quorum: `${quorum.reason}; ${quorum.provesNoLoss ? NO_LOSS : "this does not prove that no acknowledged commit is missing"}`,
        timeline,
        seenLsn: maxLsn(...usable.flatMap(({ status }) => [status.upstreamLsn, endOfWal(status)])) ?? null,
      };
    },
  });
}

interface Answer {
  readonly name: string;
  readonly status?: ServerStatus;
  readonly error?: string;
}

async function askAll(access: Access, ctx: ActionContext<Input>): Promise<readonly Answer[]> {
  return await Promise.all(
    ctx.input.standbys.map(async (name): Promise<Answer> => {
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

function refusePromoted(answered: readonly { name: string; status: ServerStatus }[]): void {
  const primary = answered.find(({ status }) => !status.inRecovery);
  if (primary !== undefined) {
    refuse(
      "NOT_A_STANDBY",
      `${primary.name} is not a standby: it takes writes on timeline ${primary.status.timeline}; find out which node the clients use before anything else`,
    );
  }
}

function refuseForeign(answered: readonly { name: string; status: ServerStatus }[]): void {
  const identifiers = new Set(answered.map(({ status }) => status.systemIdentifier));
  if (identifiers.size > 1) {
    const members: Json = answered.map(({ name, status }) => ({ name, systemIdentifier: status.systemIdentifier }));
    refuse("FOREIGN_CLUSTER", "the standbys belong to different clusters (their system identifiers differ)", members);
  }
}

/** Whichever is chosen must take writes, and after the promotion it is too late to find out. */
function refuseReadOnly(answered: readonly { name: string; status: ServerStatus }[]): void {
  const names = answered.filter(({ status }) => status.readOnlyByDefault).map(({ name }) => name);
  if (names.length === 0) return;
  refuse(
    "READ_ONLY_STANDBY",
    `${names.join(", ")}: default_transaction_read_only is on, as a primary it would refuse writes; reset it there (alter system reset default_transaction_read_only; select pg_reload_conf())`,
  );
}

function refuseTooFew(usable: number, quorum: Quorum, unusable: CheckedStandbys["unusable"]): void {
  if (usable >= quorum.required) return;
  const missing = unusable.map(({ name, reason }) => `${name} (${reason})`).join(", ");
  refuse(
    "NO_QUORUM",
    `${usable} standbys can take part, ${quorum.required} are needed (${quorum.reason}); missing: ${missing}. Repair them, or start again with a lower "quorum" and accept that acknowledged commits may be lost`,
  );
}

/**
 * A connection string that may be journaled, else null. Secrets are `password`, `sslpassword`, `oauth_client_secret`; a URI is never
 * taken apart to look for one. Exported for its tests.
 */
export function journalable(conninfo: string): string | null {
  return conninfo === "" || /(?:password|secret)\s*=|:\/\//i.test(conninfo) ? null : conninfo;
}
