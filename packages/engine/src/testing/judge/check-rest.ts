/**
 * Checks of a run at rest: the snapshot against the story and against itself (R12, R13-R15, R20, R24, R27, R33, R39).
 */
import type { NodeSnapshot, RunSnapshot } from "../../runtime/api.ts";
import type { Report } from "./plan-model.ts";
import type { RunStory } from "./run-story.ts";
import { isFinished, isHarmless, triggerHolds, triggerIsLost } from "./triggers-told.ts";
import { hasBarrier, owesUndo } from "./undo-told.ts";
import { type StoryStatus, type UnitStory, unitId } from "./unit-story.ts";

/** What is wrong with `snapshot`, taken at the end of the story. */
export function checkRest(story: RunStory, snapshot: RunSnapshot, report: Report): void {
  if (snapshot.fault !== null)
    report("I11", `the engine stopped the run: ${snapshot.fault.code} ${snapshot.fault.message}`);
  for (const node of snapshot.nodes) checkNode(unitOf(story, node), node, report);
  checkMembers(story, snapshot.nodes, report);
  checkLabels(snapshot.nodes, report);
  checkStatus(story, snapshot, report);
  if (snapshot.status === "FAILED") checkNothingMore(story, report);
  if (snapshot.prohibitRollback !== (story.model.document.prohibitRollback === true || hasBarrier(story)))
    report("R33", `prohibitRollback reads ${snapshot.prohibitRollback}`);
}

function unitOf(story: RunStory, { id, group, parallelIdx }: NodeSnapshot): UnitStory {
  const place = story.model.placeOf.get(group ?? id);
  if (place === undefined) throw new Error(`the snapshot names ${id}, which the plan does not know`);
  const declared = story.declared[place];
  // Asking does not make a member: a group may be shown with members of which nobody has heard.
  return (group === null ? declared?.own : declared?.made[parallelIdx]) ?? story.unitAt(place, parallelIdx);
}

/** Status of the snapshot that fits what listeners were told. */
const FITTING: Readonly<Record<StoryStatus, NodeSnapshot["status"] | undefined>> = {
  pending: "PENDING",
  ready: "READY",
  running: undefined,
  backoff: "READY",
  succeeded: "SUCCESSFUL",
  failed: "FAILED",
  skipped: "SKIPPED",
  // A paused run waits between two attempts of a compensation.
  compensating: "COMPENSATING",
  compensated: "COMPENSATED",
  "compensation-failed": "COMPENSATION_FAILED",
};

function checkNode(told: UnitStory, node: NodeSnapshot, report: Report): void {
  // Its remains are about to be undone: no word of it yet, and none that it waits (R25).
  const undoneFirst =
    told.status === "pending" && node.status === "READY" && told.home.model.undoneFirst && owesUndo(told);
  if (FITTING[told.status] !== node.status && !undoneFirst)
    report("R15", `${node.id} is ${node.status}, listeners were told ${told.status}`);
  if (node.status === "SKIPPED" && node.skipReason === null) report("R12", `${node.id} is SKIPPED without a reason`);
  if (node.status === "FAILED" && node.error === null) report("R27", `${node.id} is FAILED without an error`);
  if (node.started !== (node.startTime !== null))
    report("R30", `${node.id} reads started ${node.started}, startTime ${node.startTime}`);
  if (isUnlike(told)) report("R39", `attempt ${told.lastAttempt} of ${node.id} ${unlike(told)}`);
}

/** An attempt was announced and not called, or called and not announced (R39). */
export function checkTold(story: RunStory, report: Report): void {
  for (const unit of story.all) {
    if (isUnlike(unit)) report("R39", `attempt ${unit.lastAttempt} of ${unitId(unit)} ${unlike(unit)}`);
  }
}

/** What is built in is announced and not seen by those who watch the actions. */
function isUnlike({ balance, home }: UnitStory): boolean {
  return balance < 0 || (balance > 0 && !home.model.document.action.startsWith("belay."));
}

function unlike({ balance }: UnitStory): string {
  return balance < 0 ? "was called without a node:started" : "was announced and not called";
}

/** Members are consecutive, by parallelIdx and by seriesId; nothing else has either (R20, R24). */
function checkMembers(story: RunStory, nodes: readonly NodeSnapshot[], report: Report): void {
  let previous: NodeSnapshot | undefined;
  let next = 0;
  for (const node of nodes) {
    const first = previous?.group !== node.group;
    next = first ? 0 : next + 1;
    if (node.group === null) {
      // 0 without a group is the plan's own label.
      if (node.parallelIdx > 0) report("R20", `${node.id} has no group and parallelIdx ${node.parallelIdx}`);
    } else {
      if (unitOf(story, node).home.model.method === undefined)
        report("R20", `${node.group} has members without a split`);
      if (node.parallelIdx !== next || node.id !== `${node.group}[${next}]`)
        report("R20", `member ${next} of ${node.group} is ${node.id} with parallelIdx ${node.parallelIdx}`);
      if (!first && node.seriesId !== (previous?.seriesId ?? 0) + 1)
        report("R24", `the seriesIds of ${node.group} are not consecutive`);
    }
    previous = node;
  }
}

/** A label is carried once (R13, R24). */
function checkLabels(nodes: readonly NodeSnapshot[], report: Report): void {
  const labels = new Set<number>();
  for (const { seriesId } of nodes) labels.add(seriesId);
  if (labels.size === nodes.length) return;
  for (const [place, node] of nodes.entries()) {
    const other = nodes.findIndex(({ seriesId }) => seriesId === node.seriesId);
    if (other < place) report("R24", `${nodes[other]?.id} and ${node.id} carry the same seriesId`);
  }
}

/** R15: the status is a function of all nodes. */
function checkStatus(story: RunStory, { status, nodes }: RunSnapshot, report: Report): void {
  for (const node of nodes) {
    // A paused run waits between two attempts of a compensation, too, and may be given up there.
    const moving = node.status === "COMPENSATING" ? !BETWEEN.has(status) : MOVING.has(node.status);
    if (moving) report("R14", `the run is ${status} while ${node.id} is ${node.status}`);
    if (status === "SUCCESSFUL" && (node.status === "PENDING" || node.status === "READY"))
      report("R15", `the run is SUCCESSFUL while ${node.id} is ${node.status}`);
  }
  const harmful = story.declared.find((one) => !one.passed && !isHarmless(one));
  if (status === "SUCCESSFUL" && harmful !== undefined)
    report("R15", `the run is SUCCESSFUL while ${harmful.model.id} failed`);
  if (status === "FAILED" && harmful === undefined && !story.outOfTime())
    report("R15", "the run is FAILED and no node's failure is untolerated");
}

const BETWEEN: ReadonlySet<string> = new Set(["PAUSED", "ABANDONED"]);
const MOVING: ReadonlySet<string> = new Set(["RUNNING", "CANCELING"]);

/** R14: the run is FAILED only once nothing more can start, or be skipped, by itself. */
function checkNothingMore(story: RunStory, report: Report): void {
  if (story.outOfTime()) return;
  const mode = story.model.failureMode;
  for (const declared of story.declared) {
    if (declared.model.setups !== undefined) continue;
    const held = story.failed && !declared.named && !declared.model.reacts && mode !== "continue";
    if (held || isFinished(declared) || declared.units.some(({ status }) => status !== "pending")) continue;
    if (triggerHolds(story, declared)) report("R14", `the run is FAILED, but ${declared.model.id} may still start`);
    if (triggerIsLost(story, declared)) report("R12", `the run is FAILED, but ${declared.model.id} waits in vain`);
  }
}
