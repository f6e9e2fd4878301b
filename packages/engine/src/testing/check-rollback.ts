/**
 * Checks of the way back: what may be undone, when, and what must not be left (R26, R30-R34).
 */
import { owesUndo } from "./check-forward.ts";
import type { Rule, Violation } from "./plan-model.ts";
import type { NodeStory, RunStory } from "./run-story.ts";

/** Nodes whose compensation an operator passed by `skipRollback`: they owe nothing any more (R32). */
export type Excused = ReadonlySet<string>;

/** What is wrong with the compensation of `node` being called now. */
export function checkUndo(story: RunStory, node: NodeStory, excused: Excused): Violation[] {
  const found: Violation[] = [];
  const report = (rule: Rule, what: string): void => {
    found.push({ rule, message: `${rule}: ${node.id} was compensated, but ${what}` });
  };
  if (story.phase === "terminal") report("R51", "the run had ended for good");
  if (!node.dirty) report("R30", "it had not started since it was last undone");
  else if (!owesUndo(node)) report("R31", "its compensation does not cover how it ended");
  if (story.phase !== "rolling-back") {
    if (!undoneOnTheWay(node)) report("R30", "the run was not rolling back");
    return found;
  }
  if (barrierOf(story).has(node.id)) report("R33", "it is, or is above, a started node that prohibits rollback");
  const early = below(story, node).find((lower) => owesUndo(lower) && !excused.has(lower.id));
  if (early !== undefined) report("R30", `${early.id} below it had started and was not undone yet`);
  return found;
}

/** Compensated without a rollback: between two attempts (R25), or before the next candidate (R21). */
function undoneOnTheWay(node: NodeStory): boolean {
  return node.document.retry?.mode === "compensate-first" || node.document.split?.method === "FIRST_SUCCESS";
}

/** How far the rollback was to go; "node": R35, which leaves the rest as it stands. */
export type RollbackScope = "all" | "barrier" | { readonly node: string };

/** What a rollback that has come to rest left behind, or touched, against the rules. */
export function checkRolledBack(story: RunStory, scope: RollbackScope, excused: Excused, failed: boolean): Violation[] {
  const found: Violation[] = [];
  const barrier = barrierOf(story);
  const stuck = failed ? stuckAbove(story) : new Set<string>();
  for (const node of story.nodes.values()) {
    if (!owesUndo(node) || barrier.has(node.id) || excused.has(node.id) || !inScope(story, node, scope)) continue;
    if (node.status === "compensation-failed" && failed) continue;
    const rule = failed ? "R32" : "R30";
    if (!stuck.has(node.id))
      found.push({ rule, message: `${rule}: the rollback ended, but ${node.id} (${node.status}) was left undone` });
  }
  return found;
}

function inScope(story: RunStory, node: NodeStory, scope: RollbackScope): boolean {
  return typeof scope === "string" || (story.model.descendants.get(scope.node)?.has(node.declared) ?? false);
}

/** Every unit above a failed compensation: it may rest undone (R32). */
function stuckAbove(story: RunStory): Set<string> {
  const stuck = new Set<string>();
  for (const node of story.nodes.values()) {
    if (node.status === "compensation-failed") for (const higher of above(story, node)) stuck.add(higher.id);
  }
  return stuck;
}

/** Started prohibiting nodes and everything above them (R33, R34). */
export function barrierOf(story: RunStory): Set<string> {
  const barrier = new Set<string>();
  for (const node of story.nodes.values()) {
    if (node.document.prohibitRollback !== true || !node.started) continue;
    barrier.add(node.id);
    for (const higher of above(story, node)) barrier.add(higher.id);
  }
  return barrier;
}

/** Units below: of lower nodes, and later members of the same SERIAL group, which is a chain (R21). */
function below(story: RunStory, node: NodeStory): NodeStory[] {
  const lower = [...(story.model.descendants.get(node.declared) ?? [])].flatMap((id) => story.units(id));
  return lower.concat(chained(story, node).filter((member) => member.index > node.index));
}

function above(story: RunStory, node: NodeStory): NodeStory[] {
  const higher = [...(story.model.ancestors.get(node.declared) ?? [])].flatMap((id) => story.units(id));
  return higher.concat(chained(story, node).filter((member) => member.index < node.index));
}

function chained(story: RunStory, node: NodeStory): readonly NodeStory[] {
  return node.document.split?.method === "SERIAL" && node.index >= 0 ? story.units(node.declared) : [];
}
