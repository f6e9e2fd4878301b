/**
 * Checks of a run at rest: the snapshot against the story and against itself (R13, R15, R20, R24, R33).
 */
import type { NodeSnapshot, RunSnapshot } from "../runtime/api.ts";
import { harmless } from "./check-forward.ts";
import { barrierOf } from "./check-rollback.ts";
import type { Rule, Violation } from "./plan-model.ts";
import type { NodeStory, RunStory } from "./run-story.ts";

/** What is wrong with `snapshot`, taken at the end of the story. */
export function checkRest(story: RunStory, snapshot: RunSnapshot): Violation[] {
  const found: Violation[] = [];
  const report = (rule: Rule, what: string): void => {
    found.push({ rule, message: `${rule}: ${what}` });
  };
  if (snapshot.fault !== null)
    report("I11", `the engine stopped the run: ${snapshot.fault.code} ${snapshot.fault.message}`);
  for (const node of snapshot.nodes) checkNode(story, node, report);
  checkGroups(story, snapshot, report);
  checkStatus(story, snapshot, report);
  if (snapshot.prohibitRollback !== prohibits(story))
    report("R33", `prohibitRollback reads ${snapshot.prohibitRollback}`);
  return found;
}

type Report = (rule: Rule, what: string) => void;

function prohibits(story: RunStory): boolean {
  return story.model.document.prohibitRollback === true || barrierOf(story).size > 0;
}

/** Statuses of the snapshot that fit what listeners were told. */
const FITTING: Readonly<Record<NodeStory["status"], readonly NodeSnapshot["status"][]>> = {
  pending: ["PENDING"],
  ready: ["READY"],
  running: [],
  backoff: ["READY"],
  succeeded: ["SUCCESSFUL"],
  failed: ["FAILED"],
  skipped: ["SKIPPED"],
  // A paused run waits between two attempts of a compensation.
  compensating: ["COMPENSATING"],
  compensated: ["COMPENSATED"],
  "compensation-failed": ["COMPENSATION_FAILED"],
};

function checkNode(story: RunStory, node: NodeSnapshot, report: Report): void {
  const told = story.node(node.id);
  if (!FITTING[told.status].includes(node.status))
    report("R15", `${node.id} is ${node.status}, listeners were told ${told.status}`);
  if (node.status === "SKIPPED" && node.skipReason === null) report("R12", `${node.id} is SKIPPED without a reason`);
  if (node.status === "FAILED" && node.error === null) report("R27", `${node.id} is FAILED without an error`);
  if (node.started !== (node.startTime !== null))
    report("R30", `${node.id} reads started ${node.started}, startTime ${node.startTime}`);
}

function checkGroups(story: RunStory, snapshot: RunSnapshot, report: Report): void {
  const series = new Set(snapshot.nodes.map((node) => node.seriesId));
  if (series.size !== snapshot.nodes.length) report("R24", "two nodes carry the same seriesId");
  for (const node of snapshot.nodes) {
    // 0 without a group is the plan's own label.
    if (node.group === null && node.parallelIdx > 0)
      report("R20", `${node.id} has no group and parallelIdx ${node.parallelIdx}`);
  }
  for (const [group, { split }] of story.model.nodes) {
    const members = snapshot.nodes.filter((node) => node.group === group);
    if (members.length === 0) continue;
    if (members.some((member, index) => member.parallelIdx !== index || member.id !== `${group}[${index}]`)) {
      report(
        "R20",
        `the members of ${group} are ${members.map((member) => `${member.id}:${member.parallelIdx}`).join(", ")}`,
      );
    }
    const first = members[0]?.seriesId ?? 0;
    if (members.some((member, index) => member.seriesId !== first + index))
      report("R24", `the seriesIds of ${group} are not consecutive`);
    if (split === undefined) report("R20", `${group} has members without a split`);
  }
}

/** R15: the status is a function of all nodes. */
function checkStatus(story: RunStory, { status, nodes }: RunSnapshot, report: Report): void {
  // A paused run waits between two attempts of a compensation, too.
  const moving = nodes.find(
    (node) => MOVING.has(node.status) && !(status === "PAUSED" && node.status === "COMPENSATING"),
  );
  if (moving !== undefined) report("R14", `the run is ${status} while ${moving.id} is ${moving.status}`);
  const harmful = [...story.model.nodes.keys()].filter(
    (id) => story.canceledGroups.has(id) || (!story.passedGroups.has(id) && !harmless(story.units(id))),
  );
  if (status === "SUCCESSFUL") {
    const open = nodes.find((node) => node.status === "PENDING" || node.status === "READY");
    if (open !== undefined) report("R15", `the run is SUCCESSFUL while ${open.id} is ${open.status}`);
    if (harmful.length > 0) report("R15", `the run is SUCCESSFUL while ${harmful.join(", ")} failed`);
  }
  if (status === "FAILED" && harmful.length === 0)
    report("R15", "the run is FAILED and no node's failure is untolerated");
}

const MOVING: ReadonlySet<string> = new Set(["RUNNING", "CANCELING", "COMPENSATING"]);
