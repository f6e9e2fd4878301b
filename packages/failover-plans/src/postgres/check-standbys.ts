/**
 * `postgres.check-standbys`: which standbys can take part, are they enough, and how far was the old primary seen? Reads only.
 *
 * A standby takes part when it answers, is in recovery, belongs to the same cluster and has WAL of the newest timeline. One that is
 * out of recovery stops everything: it may be a second primary.
 */
import { type ActionContext, type ActionDefinition, defineAction, type Json } from "@belay/engine";
import type { Access } from "./access.ts";
import { amount, inputSchema, optional, texts } from "./input-schema.ts";
import { maxLsn } from "./lsn.ts";
import { type Quorum, quorumOf } from "./quorum.ts";
import { endOfWal, type ServerStatus } from "./status.ts";
import { messageOf, refuse } from "./wait.ts";

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
  /** What it follows now, so that the freeze can be undone; null when that holds a password, which is never journaled. */
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

/** The action. Codes: NOT_A_STANDBY, NO_QUORUM, FOREIGN_CLUSTER. */
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
        usable: usable.map(({ name, status }) => ({ name, primaryConninfo: withoutPassword(status.primaryConninfo) })),
        names: usable.map(({ name }) => name),
        unusable,
        required: quorum.required,
        quorum: `${quorum.reason}; ${quorum.provesNoLoss ? "no acknowledged commit can be missing" : "this does not prove that no acknowledged commit is missing"}`,
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

function refuseTooFew(usable: number, quorum: Quorum, unusable: CheckedStandbys["unusable"]): void {
  if (usable >= quorum.required) return;
  const missing = unusable.map(({ name, reason }) => `${name} (${reason})`).join(", ");
  refuse(
    "NO_QUORUM",
    `${usable} standbys can take part, ${quorum.required} are needed (${quorum.reason}); missing: ${missing}. Repair them, or start again with a lower "quorum" and accept that acknowledged commits may be lost`,
  );
}

function withoutPassword(conninfo: string): string | null {
  return /\bpassword\s*=/i.test(conninfo) ? null : conninfo;
}
