/**
 * Expressions at run time: the scope they see and the answers they give (R23, R28). Owns: building the scope from the
 * run's values, evaluating conditions, lists and inputs. An expression that fails is a failure of the node, never false.
 */
import { homeOf, type Input, NODE_STATUSES, parallelIdxOf } from "../core/index.ts";
import type { CompiledNode } from "../plan/compile.ts";
import type { Json } from "../plan/document.ts";
import type { CompiledExpression, EvaluationResult, ExpressionScope, NodeScope } from "../plan/expression.ts";
import { frozenCopy } from "../plan/json.ts";
import type { CompiledTemplate } from "../plan/template.ts";
import type { NodeFailure } from "./api.ts";
import type { RunFacts } from "./facts.ts";
import { engineFailure } from "./failure.ts";

/** The item of a member; undefined for a declared node. */
export function itemOf(facts: RunFacts, node: number): Json | undefined {
  const idx = parallelIdxOf(facts.state, node);
  return idx < 0 ? undefined : facts.values.items.get(homeOf(facts.state, node))?.[idx];
}

/** What an expression of `node` sees. */
function scopeFor(facts: RunFacts, node: number, nodesRead: readonly string[]): ExpressionScope {
  const { program, state, values, header } = facts;
  const nodes: Record<string, NodeScope> = Object.create(null);
  for (const id of nodesRead) {
    const read = program.indexOf(id);
    const status = NODE_STATUSES[state.node[read] as number] as string;
    const output = values.output(read);
    nodes[id] = output === undefined ? { status } : { status, output };
  }
  const run = { id: header.runId, startedAt: header.at };
  const item = itemOf(facts, node);
  return item === undefined ? { params: header.params, nodes, run } : { params: header.params, nodes, item, run };
}

/** The input of a node's action, or of its compensation. Absent template = no input. */
export function evaluateInput(
  facts: RunFacts,
  node: number,
  template: CompiledTemplate | undefined,
): EvaluationResult | undefined {
  if (template === undefined) return undefined;
  return template.evaluate(scopeFor(facts, node, template.nodesRead));
}

type Resolved = Extract<Input, { kind: "resolved" }>;

/** Answers RESOLVE: the condition, then the list. */
export function evaluateNode(
  facts: RunFacts,
  node: number,
  at: number,
): { resolved: Resolved; payload: Json | undefined } {
  const home = homeOf(facts.state, node);
  const details = facts.program.detailsOf(home);
  const answer = (verdict: Resolved["verdict"], members: number, payload?: Json): ReturnType<typeof evaluateNode> => ({
    resolved: { kind: "resolved", at, node, verdict, members },
    payload,
  });
  const fail = (failure: NodeFailure): ReturnType<typeof evaluateNode> => answer("fail", 0, { error: { ...failure } });
  const verdict = conditionOf(facts, node, details);
  if (typeof verdict === "object") return fail(verdict);
  if (!verdict) return answer("skip", 0);
  if (details.over === undefined || node !== home) return answer("run", 0);
  const list = listOf(facts, node, details.over);
  if (!Array.isArray(list)) return fail(list as NodeFailure);
  return answer("run", list.length, { items: list });
}

/** Whether the condition is asked of this node (a member only when it reads the item) and what it says. */
function conditionOf(facts: RunFacts, node: number, details: CompiledNode): boolean | NodeFailure {
  const { condition } = details;
  if (condition === undefined) return true;
  const isMember = parallelIdxOf(facts.state, node) >= 0;
  const perMember = condition.readsItem;
  if (isMember !== perMember) return true;
  const result = condition.evaluate(scopeFor(facts, node, condition.nodesRead));
  if (!result.ok) return engineFailure("EXPRESSION_FAILED", `when: ${result.message}`);
  if (typeof result.value === "boolean") return result.value;
  // Not which value: it may be a secret (R46).
  const type = Array.isArray(result.value) ? "list" : result.value === null ? "null" : typeof result.value;
  return engineFailure("EXPRESSION_FAILED", `when: the result is not a boolean: it is of type ${type}`);
}

function listOf(facts: RunFacts, node: number, over: CompiledExpression): readonly Json[] | NodeFailure {
  const result = over.evaluate(scopeFor(facts, node, over.nodesRead));
  if (!result.ok) return engineFailure("EXPRESSION_FAILED", `split.over: ${result.message}`);
  if (!Array.isArray(result.value)) return engineFailure("EXPRESSION_FAILED", "split.over: the result is not a list");
  const { members } = facts.limits;
  if (facts.state.members + result.value.length > members) {
    return engineFailure("EXPRESSION_FAILED", `split.over: more than ${members} members in the run (limits.members)`);
  }
  return frozenCopy(result.value) as readonly Json[];
}
