/**
 * `polardb.elect`: who is tried, in order. Reads only; the choice itself is in election.ts. A single candidate that was asked for is
 * refused with what is wrong with it, a free choice with NO_CANDIDATE and every reader's reason.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, oneOf, optional, text } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import { type TargetZoneType, writerOf } from "./cluster.ts";
import type { PolarControl } from "./control.ts";
import { type Election, elect, type Rejection } from "./election.ts";

interface Input {
  readonly cluster: string;
  readonly targetNodeId?: string | undefined;
  readonly targetZoneType?: TargetZoneType | undefined;
}
const schema = inputSchema<Input>({
  cluster: text,
  targetNodeId: optional(text),
  targetZoneType: optional(oneOf("Primary", "Standby")),
});

/** What the plan goes on with. */
export interface Elected {
  /** Node ids of those that are tried, in order; never empty. */
  readonly candidates: readonly string[];
  /** Who is not tried, and why. */
  readonly rejected: readonly Rejection[];
  /** Node id of the present writer. */
  readonly from: string;
  /** Whether it answers. */
  readonly writerAnswered: boolean;
  /** Node ids of all nodes but the writer. */
  readonly readers: readonly string[];
  /** Generation of the cluster. */
  readonly generation: number;
}

/** The action. Codes: NO_WRITER, NODE_UNKNOWN, NODE_TYPE, NODE_NOT_RUNNING, NODE_ZONE, UNHEALTHY_REPLICATION, NO_CANDIDATE. */
export function electAction(control: PolarControl): ActionDefinition<Input, Elected> {
  return defineAction<Input, Elected>({
    description: "Lists the readers that may take over, highest FailoverPriority first, and why others may not.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { cluster: id, targetNodeId, targetZoneType } = ctx.input;
      const cluster = await control.describe(id, ctx);
      const writer = writerOf(cluster);
      if (writer === undefined) refuse("NO_WRITER", `${id} names no writer: nobody can be taken over from`);
      const election = elect(cluster, { targetNodeId, targetZoneType, seed: ctx.runId });
      if (election.candidates.length === 0) refuseAll(id, targetNodeId, election);
      return {
        candidates: election.candidates.map(({ nodeId }) => nodeId),
        rejected: election.rejected,
        from: writer.nodeId,
        writerAnswered: writer.problem === null,
        readers: cluster.nodes.flatMap(({ role, nodeId }) => (role === "Reader" ? [nodeId] : [])),
        generation: cluster.generation,
      };
    },
  });
}

function refuseAll(id: string, target: string | undefined, { rejected }: Election): never {
  const [first] = rejected;
  if (target !== undefined && first !== undefined) refuse(first.code, first.reason, rejected);
  // Where every reader is kept from it by the same cause, that cause is the answer; the writer is none of them.
  const readers = rejected.filter(({ code, reason }) => !(code === "NODE_TYPE" && reason.endsWith("is the writer")));
  const codes = new Set(readers.map(({ code }) => code));
  const code = codes.size === 1 && codes.has("UNHEALTHY_REPLICATION") ? "UNHEALTHY_REPLICATION" : "NO_CANDIDATE";
  const reasons = readers.map(({ reason }) => reason).join("; ") || "it has no reader";
  refuse(code, `nobody can take over in ${id}: ${reasons}`, rejected);
}
