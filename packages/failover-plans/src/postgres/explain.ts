/**
 * What a run of a PostgreSQL plan left behind, in sentences for the operator on duty: the state of the cluster, and exactly what
 * to do next. Pure: reads a snapshot, asks no server. Owns the words; the facts come from the nodes' statuses, outputs and errors.
 */
import type { Json, NodeSnapshot, RunSnapshot } from "@belay/engine";
import { rowsOf } from "./salvage.ts";

/** Plans that this module knows. */
const KNOWN_PLANS: ReadonlySet<string> = new Set(["postgres-failover", "postgres-switchover", "rejoin-standby"]);

/** A rejoin rests, unfinished: the cluster itself was not touched. */
const NOT_REJOINED: string[] = [
  "The node is not back. The writer and its other standbys were not touched; do not start the node as a primary.",
  "Remove the cause above, then retry the run, or start the plan again if it was given up.",
];

/** Sentences in reading order: what happened, how the cluster stands, what to do. Empty for a run of another plan. */
export function explainPostgresRun(snapshot: RunSnapshot): string[] {
  if (!KNOWN_PLANS.has(snapshot.planName)) return [];
  const facts = factsOf(snapshot);
  const lines = [...causes(snapshot), ...stateOfRun(snapshot, facts), ...loose(facts)];
  if (snapshot.fault !== null) {
    lines.push(`The engine itself stopped (${snapshot.fault.code}): check the cluster by hand before anything else.`);
  }
  return lines;
}

/** What the nodes' outputs say about the cluster. Names fall back to a description where no output holds them. */
interface Facts {
  readonly nodes: ReadonlyMap<string, NodeSnapshot>;
  readonly members: (group: string) => readonly NodeSnapshot[];
  readonly oldPrimary: string;
  readonly candidate: string;
  /** The promotion is known to have taken place. */
  readonly promoted: boolean;
  /** The promotion was at least tried. */
  readonly promoteStarted: boolean;
  readonly published: boolean;
}

function factsOf(snapshot: RunSnapshot): Facts {
  const nodes = new Map(snapshot.nodes.map((node) => [node.id, node]));
  const promote = nodes.get("promote");
  const promoted = promote?.status === "SUCCESSFUL" || nodes.get("verify")?.status === "SUCCESSFUL";
  const names = [
    textOf(nodes.get("confirmDown"), "primary"),
    textOf(nodes.get("fence"), "primary"),
    textOf(nodes.get("precheck"), "primary"),
    textOf(nodes.get("rejoin"), "node"),
  ];
  const candidates = [
    textOf(promote, "writer"),
    textOf(nodes.get("rank"), "candidate"),
    textOf(nodes.get("precheck"), "candidate"),
    textOf(nodes.get("rejoin"), "writer"),
  ];
  return {
    nodes,
    members: (group) => snapshot.nodes.filter((node) => node.group === group || node.id === group),
    oldPrimary: names.find((name) => name !== undefined) ?? "the old primary",
    candidate: candidates.find((name) => name !== undefined) ?? "the new primary",
    promoted,
    promoteStarted: promote?.started ?? false,
    published: nodes.get("publish")?.status === "SUCCESSFUL",
  };
}

/** Which nodes failed, and why. */
function causes(snapshot: RunSnapshot): string[] {
  return snapshot.nodes
    .filter((node) => node.error !== null && node.status !== "SUCCESSFUL" && !node.tolerated)
    .filter((node) => !snapshot.nodes.some((other) => other.group === node.id && other.error !== null))
    .map((node) => `${subject(node)} failed (${node.error?.code}): ${node.error?.message}`);
}

function stateOfRun(snapshot: RunSnapshot, facts: Facts): string[] {
  switch (snapshot.status) {
    case "RUNNING":
    case "ROLLING_BACK":
      return ["The run is under way: wait until it rests."];
    case "SUCCESSFUL":
      return succeeded(snapshot, facts);
    case "ROLLED_BACK":
      return rolledBack(snapshot, facts);
    case "ROLLBACK_FAILED":
      return rollbackFailed(snapshot, facts);
    case "PARTIALLY_ROLLED_BACK":
    case "FAILED":
    case "PAUSED":
    case "CANCELED":
    case "ABANDONED":
      if (facts.nodes.has("rejoin")) return NOT_REJOINED;
      return facts.promoteStarted ? afterPromotion(snapshot, facts) : beforePromotion(snapshot, facts);
  }
}

function succeeded(snapshot: RunSnapshot, facts: Facts): string[] {
  if (snapshot.planName === "rejoin-standby")
    return ["The node is a standby of the writer again. Nothing is left to do."];
  const lines = [`${facts.candidate} takes writes and the clients are sent there.`];
  const following = facts.members("repoint").flatMap((node) => textOf(node, "standby") ?? []);
  if (following.length > 0) lines.push(`Proved to follow it: ${following.join(", ")}.`);
  const left = leftOut(facts);
  for (const name of left) {
    lines.push(
      `${name} took no part and does not follow ${facts.candidate}: when it is repaired, start plan rejoin-standby for it. ${rejoinCommand(name, facts.candidate)}`,
    );
  }
  if (left.length === 0 && facts.nodes.get("rejoinOld")?.status === "SUCCESSFUL") lines.push("Nothing is left to do.");
  return lines;
}

/** Standbys that the failover went on without. */
function leftOut({ nodes }: Facts): readonly string[] {
  const unusable = objectOf(nodes.get("checkStandbys")?.output)?.["unusable"];
  return Array.isArray(unusable) ? unusable.flatMap((each: Json) => String(objectOf(each)?.["name"] ?? [])) : [];
}

/** A node of the plan as people know it: with the server that it was about, where its item says so. */
function subject({ id, item }: NodeSnapshot): string {
  const name = typeof item === "string" ? item : objectOf(item)?.["name"];
  return typeof name === "string" ? `"${id}" (${name})` : `"${id}"`;
}

function rolledBack(snapshot: RunSnapshot, facts: Facts): string[] {
  const touched = TAKES_PRIMARY_OUT.flatMap((id) => facts.nodes.get(id) ?? []).filter(({ started }) => started);
  if (touched.length === 0) return untouched(snapshot, facts);
  const passed = snapshot.nodes.filter(({ status }) => status === "COMPENSATION_FAILED").map(subject);
  const undone = passed.length === 0 ? "everything was undone" : `all but ${passed.join(", ")} was undone`;
  const isBack = touched.every(({ status }) => status === "COMPENSATED");
  const state = isBack
    ? `${facts.oldPrimary} is the primary again, takes writes and is on the route.`
    : `whether ${facts.oldPrimary} takes writes and is on the route is not known: look.`;
  return [`Nothing was promoted and ${undone}: ${state}`, "Remove the cause above, then start the plan again."];
}

/** Nodes that keep the old primary from taking writes, or clients from finding it; all must be undone before it is the primary again. */
const TAKES_PRIMARY_OUT = ["fence", "dropRoute", "readonly", "stopOld"] as const;

/** Refusals that say: another node takes writes. Starting the old primary then could make two. */
const ANOTHER_WRITER: ReadonlySet<string> = new Set(["NOT_A_STANDBY", "ROUTE_DISAGREES", "FOREIGN_PRIMARY"]);

/** The run ended before it changed anything. */
function untouched(snapshot: RunSnapshot, facts: Facts): string[] {
  const again =
    snapshot.status === "ROLLED_BACK" || snapshot.status === "ABANDONED"
      ? "start the plan again"
      : "retry the run, or give it up: until then it keeps the cluster's lock, and the plan cannot be started again";
  if (facts.nodes.has("precheck")) {
    // These are found out only once the primary has proved to be one that takes writes.
    const isWriting = ["PREPARED_TRANSACTIONS", "STANDBY_NOT_READY", "LAG_CEILING"].includes(
      facts.nodes.get("precheck")?.error?.code ?? "",
    );
    const unchanged = isWriting
      ? "Nothing was changed: the primary takes writes as before."
      : "Nothing was changed by this run. Whether the primary takes writes and is on the route is not known: look.";
    return [unchanged, `Remove the cause above, then ${again}.`];
  }
  const unchanged = "Nothing was changed: the cluster is as this run found it.";
  if (snapshot.nodes.some(({ error }) => error !== null && ANOTHER_WRITER.has(error.code))) {
    return [
      unchanged,
      `Another node than ${facts.oldPrimary} was promoted, or is on the route: do not start ${facts.oldPrimary} as a primary, two primaries would diverge. If that node is the right one, publish it on the route, let the other standbys follow it and start plan rejoin-standby for ${facts.oldPrimary}.`,
    ];
  }
  return [
    `${unchanged} If the old primary is down, nobody takes writes.`,
    snapshot.status === "ROLLED_BACK" || snapshot.status === "ABANDONED"
      ? `Remove the cause above and ${again}, or start ${facts.oldPrimary} where it is.`
      : `Remove the cause above and ${again}.`,
  ];
}

function beforePromotion(snapshot: RunSnapshot, facts: Facts): string[] {
  const touched = ["fence", "freeze", "dropRoute", "readonly", "stopOld"].some((id) => facts.nodes.get(id)?.started);
  if (!touched) return untouched(snapshot, facts);
  const lines = [
    `Nothing was promoted. ${facts.oldPrimary} may be fenced or read-only: nobody takes writes until you act.`,
  ];
  if (snapshot.status === "ABANDONED") {
    lines.push(
      `The run was given up and will do nothing more. By hand: on ${facts.oldPrimary} remove standby.signal, reset default_transaction_read_only and start it; on each standby set primary_conninfo to it; publish it on the route. Never start it as a primary once a standby was promoted.`,
    );
  } else {
    lines.push(`Either retry the run, or roll it back: that makes ${facts.oldPrimary} the primary again.`);
  }
  return lines;
}

function afterPromotion(snapshot: RunSnapshot, facts: Facts): string[] {
  const { candidate, oldPrimary } = facts;
  const lines = facts.promoted
    ? [`${candidate} was promoted, and that stands: it is the primary now.`]
    : [`Whether ${candidate} was promoted is not known. ${oldPrimary} is fenced and nobody is on the route.`];
  const overtaken = facts.nodes.get("publish")?.error?.code === "ROUTE_TAKEN";
  if (facts.promoted && overtaken) lines.push(...routeTaken(facts));
  else if (facts.promoted && !facts.published) {
    lines.push("The clients are not sent there yet: nobody is on the route.");
  }
  lines.push(...unprovedStandbys(facts));
  lines.push(`Do not start ${oldPrimary} as a primary: two primaries would diverge.`);
  if (snapshot.status === "ABANDONED") {
    lines.push(
      facts.promoted
        ? `The run was given up. By hand: publish ${candidate} if the clients do not reach it, set primary_conninfo of the other standbys to it, then start plan rejoin-standby for ${oldPrimary}.`
        : `The run was given up. Ask ${candidate} for pg_is_in_recovery(): false means that it was promoted. Only if it says true, start postgres-failover again.`,
    );
  } else if (!overtaken) {
    lines.push(
      "Remove the cause above, then retry the run: it goes on where it stopped and repeats nothing that is done.",
    );
    if (!facts.promoted) {
      lines.push(
        `The run is bound to ${candidate}: if that is gone for good and was surely not promoted, abandon the run and start postgres-failover with a "quorum" that does without it.`,
      );
    }
  }
  return lines;
}

/** Somebody else moved the route on; a retry would be refused for ever, its epoch was fixed before the promotion. */
function routeTaken({ candidate, oldPrimary }: Facts): string[] {
  return [
    "Somebody else has moved the route since: look at whom it names before anything else. A retry will not get past that.",
    `If ${candidate} is the right one: abandon the run, publish it under a higher epoch, then start plan rejoin-standby for ${oldPrimary}.`,
  ];
}

/** Standbys that were not proved to follow the new primary. */
function unprovedStandbys(facts: Facts): string[] {
  const failed = facts.members("repoint").filter((node) => node.group !== null && node.status === "FAILED");
  return failed.map(
    (node) =>
      `${String(node.item ?? node.id)} does not follow ${facts.candidate} yet. With synchronous replication, writes there may wait until a standby does.`,
  );
}

function rollbackFailed(snapshot: RunSnapshot, facts: Facts): string[] {
  const failed = snapshot.nodes.filter(({ status }) => status === "COMPENSATION_FAILED");
  const lines = failed.map(
    (node) => `Undoing ${subject(node)} failed: ${node.compensation?.error?.message ?? "no reason was recorded"}`,
  );
  if (facts.promoteStarted) return [...lines, ...afterPromotion(snapshot, facts)];
  if (failed.some(({ compensation }) => OVERTAKEN.has(compensation?.error?.code ?? ""))) {
    return [...lines, ...overtaken(failed, facts)];
  }
  lines.push("Nothing was promoted.");
  for (const node of failed) lines.push(...undoByHand(node.group ?? node.id, facts));
  lines.push("Then roll back again: what is undone already is not repeated.");
  return lines;
}

/** Refusals of an undoing that say: another run leads, or another node takes writes. */
const OVERTAKEN: ReadonlySet<string> = new Set(["ROUTE_TAKEN", "PROMOTED_ALREADY"]);

function overtaken(failed: readonly NodeSnapshot[], { oldPrimary }: Facts): string[] {
  return [
    `This run promoted nothing, but another one leads by now, or another node takes writes: look at whom the route names before anything else. Do not start ${oldPrimary} as a primary: two primaries would diverge.`,
    `If that is right: skip the rollback of ${failed.map(subject).join(", ")}, and once the other run has ended start plan rejoin-standby for ${oldPrimary}. If nobody else is at work: abandon this run and start postgres-failover again.`,
  ];
}

/** What must be true before the undoing of that node can work, or can be skipped. */
function undoByHand(nodeId: string, { oldPrimary }: Facts): string[] {
  switch (nodeId) {
    case "fence":
      return [
        `Nobody takes writes: ${oldPrimary} does not come back as primary. Repair it. If it cannot be repaired, skip the rollback of "fence", and start postgres-failover again: the standbys are complete and follow nobody else.`,
      ];
    case "stopOld":
      return [`Nobody takes writes: ${oldPrimary} is stopped and does not come back as primary. Repair it.`];
    case "readonly":
      return [`${oldPrimary} may refuse writes: it must answer, so that default_transaction_read_only can be reset.`];
    case "dropRoute":
      return [
        `${oldPrimary} takes writes but the clients are not sent there: publish it on the route, under a higher epoch.`,
      ];
    case "freeze":
      return [
        `A standby does not answer, so it was not told to follow ${oldPrimary} again. Repair it, or skip the rollback of that node and set its primary_conninfo by hand.`,
      ];
    default:
      return [];
  }
}

/** What is left over although the run may have succeeded. */
function loose(facts: Facts): string[] {
  const rejoin = facts.nodes.get("rejoinOld") ?? facts.nodes.get("rejoin");
  if (rejoin === undefined || !rejoin.started) return [];
  const lines: string[] = [];
  if (rejoin.status === "FAILED" && rejoin.tolerated) {
    lines.push(
      `${facts.oldPrimary} is not back (${rejoin.error?.code}): ${rejoin.error?.message}`,
      `It stays fenced; do not start it as a primary. When it is repaired, start plan rejoin-standby for it: a retry of this run leaves a tolerated step alone. ${rejoinCommand(facts.oldPrimary, facts.candidate)}`,
    );
  }
  const output = objectOf(rejoin.output);
  if (output?.["mode"] === "reclone" && output["endLsn"] === null) {
    lines.push(
      `${facts.oldPrimary} did not start and was copied anew: whether it held anything that nobody else has is not known.`,
    );
  } else if (output?.["mode"] === "reclone") {
    const salvage = objectOf(output["salvageable"]);
    const rows =
      salvage === undefined
        ? "which rows those were was not compared"
        : `${rowsOf(Number(salvage["count"]), String(salvage["table"]))} existed only there; the keys are in the node's output`;
    lines.push(
      `${facts.oldPrimary} held ${String(output["divergedBytes"])} bytes of WAL that nobody else has and was copied anew; ${rows}.`,
    );
  }
  return lines;
}

/** How the plan is started, with what this run knows of its parameters: a name of several words stands for one that is not known. */
function rejoinCommand(node: string, writer: string): string {
  const known = (name: string, otherwise: string): string => (/\s/.test(name) ? otherwise : name);
  const params = `--params cluster=CLUSTER node=${known(node, "NODE")} writer=${known(writer, "WRITER")}`;
  return `As a command, with your module of actions: belay run rejoin-standby.yaml --actions MODULE ${params}`;
}

function textOf(node: NodeSnapshot | undefined, field: string): string | undefined {
  const value = objectOf(node?.output)?.[field];
  return typeof value === "string" ? value : undefined;
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : undefined;
}
