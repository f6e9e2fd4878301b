/**
 * What a run of polardb-failover left behind, in sentences for the operator on duty: how the cluster stands, and exactly what to do next.
 * Pure: reads a snapshot, asks nobody. Owns the words; the facts come from the nodes' statuses, outputs and errors.
 */
import type { Json, NodeSnapshot, RunSnapshot } from "@belay/engine";

/** Sentences in reading order: what happened, how the cluster stands, what to do. Empty for a run of another plan. */
export function explainPolardbRun(snapshot: RunSnapshot): string[] {
  if (snapshot.planName !== "polardb-failover") return [];
  const lines = [...reasons(snapshot), ...stateOf(snapshot)];
  if (snapshot.fault !== null) {
    lines.push(`The engine itself stopped (${snapshot.fault.code}): check the cluster by hand before anything else.`);
  }
  return lines;
}

function reasons({ nodes }: RunSnapshot): string[] {
  return nodes.flatMap((node) =>
    node.error === null ? [] : [`${subject(node)}: ${node.error.message} (${node.error.code}).`],
  );
}

function subject({ id, item, name }: NodeSnapshot): string {
  return typeof item === "string" ? `${name ?? id}, ${item}` : (name ?? id);
}

function stateOf(snapshot: RunSnapshot): string[] {
  const { nodes, status } = snapshot;
  const stuck = nodes.find((node) => node.group === "switch" && node.status === "COMPENSATION_FAILED");
  if (stuck !== undefined) return stuckLines(stuck, status);
  const winner = nodes.find((node) => node.group === "switch" && node.status === "SUCCESSFUL");
  if (winner !== undefined) return afterPromotion(String(winner.item), snapshot);
  if (status === "ROLLED_BACK") {
    return ["Nothing was promoted. The cluster is Running, and its old writer takes writes, if it did before."];
  }
  return [
    "Nothing was promoted.",
    status === "ABANDONED"
      ? "The run was given up: if the cluster is shown as Switching, it stays so until that is changed by hand."
      : "Remove the cause above and retry the run, or roll it back: the cluster is then Running as before.",
  ];
}

function stuckLines({ item, compensation }: NodeSnapshot, status: RunSnapshot["status"]): string[] {
  const candidate = String(item);
  const lines = [
    `Giving up ${candidate} failed: ${compensation?.error?.message ?? "no reason was recorded"}`,
    "Nobody else was tried, and the old writer stays as it is: two writers would be worse than none.",
  ];
  if (compensation?.error?.code !== "PROMOTED_ALREADY") {
    return [...lines, `Repair ${candidate}, then roll back again: it is asked once more whether it was promoted.`];
  }
  return status === "FAILED"
    ? [...lines, 'Skip node "switch" with the output in the details above: the rest of the plan is carried out.']
    : [...lines, `By hand: publish ${candidate} on the route, bring the other nodes back, then abandon the run.`];
}

function afterPromotion(writer: string, snapshot: RunSnapshot): string[] {
  const lines = [`${writer} was promoted, and that stands: it is the writer now.`];
  const published = snapshot.nodes.some(({ id, status }) => id === "publish" && status === "SUCCESSFUL");
  if (!published) lines.push("The clients are not sent there yet: nobody is on the route.");
  for (const node of snapshot.nodes.filter(({ tolerated }) => tolerated)) {
    lines.push(
      `${nameOf(node, snapshot)} does not follow ${writer}. Repair it and bring it back; never let it take writes.`,
    );
  }
  if (snapshot.status === "FAILED" || snapshot.status === "PARTIALLY_ROLLED_BACK") {
    lines.push(
      "Remove the cause above, then retry the run: it goes on where it stopped and repeats nothing that is done.",
    );
  }
  return lines;
}

/** The old writer's node carries no item: the election says who that was. */
function nameOf({ id, item }: NodeSnapshot, { nodes }: RunSnapshot): string {
  if (typeof item === "string") return item;
  const elected = objectOf(nodes.find((node) => node.id === "elect")?.output);
  return id === "oldWriter" && typeof elected?.["from"] === "string" ? elected["from"] : id;
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : undefined;
}
