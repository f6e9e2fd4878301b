/**
 * `mariadb.check-switchover`: may the roles be swapped now? Reads only. Everything that would make the planned stop hang or lose its way
 * is refused here, while the old writer still takes writes.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { faultOf } from "./check-replicas.ts";
import { checkParameters } from "./confirm-down.ts";
import type { ServerStatus } from "./server-status.ts";

interface Input {
  readonly writer: string;
  readonly candidate: string;
  /** All replicas, the candidate included. */
  readonly replicas: readonly string[];
  /** Transactions that a replica may be behind before writes are stopped. Default 1000. */
  readonly behind?: number | undefined;
}
const schema = inputSchema<Input>({ writer: text, candidate: text, replicas: texts, behind: optional(amount) });

/** What the plan goes on with. */
export interface SwitchoverCheck {
  readonly writer: string;
  readonly candidate: string;
  /** The replicas that are not promoted. */
  readonly others: readonly string[];
  /** Whether the cluster replicates semi-synchronously. */
  readonly semisync: boolean;
}

/** Transactions that a replica may be behind, unless the plan says otherwise: it catches up within seconds. */
export const DEFAULT_BEHIND = 1000;

/** The action. Codes: INPUT_CONFLICT, ROUTE_DISAGREES, NOT_A_WRITER, REPLICA_NOT_READY, BEHIND. */
export function checkSwitchover(access: Access): ActionDefinition<Input, SwitchoverCheck> {
  return defineAction<Input, SwitchoverCheck>({
    description: "Checks that the writer is healthy and that every replica follows it, close behind. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, candidate, replicas } = ctx.input;
      if (!replicas.includes(candidate))
        refuse("INPUT_CONFLICT", `the candidate ${candidate} is not among the replicas`);
      await checkParameters(access, ctx.input);
      const status = await access.status(writer, ctx);
      if (status.readOnly || status.replica !== null) {
        refuse("NOT_A_WRITER", `${writer} ${status.replica ? "replicates" : "refuses writes"}: nothing to switch over`);
      }
      for (const name of replicas) await checkReplica(access, ctx, name, status);
      const others = replicas.filter((name) => name !== candidate);
      return { writer, candidate, others, semisync: status.semisyncWriter };
    },
  });
}

async function checkReplica(
  access: Access,
  ctx: ActionContext<Input>,
  name: string,
  writerStatus: ServerStatus,
): Promise<void> {
  const { writer, behind: allowed = DEFAULT_BEHIND } = ctx.input;
  const status = await access.status(name, ctx);
  const asked = [
    { name, status },
    { name: writer, status: writerStatus },
  ] as const;
  const fault = faultOf(access, writer, asked[0], asked)?.reason;
  const problem =
    (!status.readOnly && "takes writes itself (read_only is off)") ||
    fault ||
    (status.domain !== writerStatus.domain && "writes in another GTID domain") ||
    (status.replica?.receiving !== "yes" &&
      `receives nothing from ${writer}: ${status.replica?.receiveError || "stopped"}`);
  if (problem) refuse("REPLICA_NOT_READY", `${name} ${problem}: repair it or leave it out of "replicas"`);
  const behind = access.dialect.missing(status.executed, writerStatus.executed);
  if (behind > allowed) {
    refuse(
      "BEHIND",
      `${name} is ${behind} transactions behind, ${allowed} are allowed: writes would be blocked while it catches up`,
    );
  }
}
