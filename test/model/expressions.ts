/** What the few expressions of scenarios come to, without an evaluator. Owns: that table. */
import type { ReferenceModel, Scenario } from "@belay/engine/testing";

/** Every list of a scenario begins like this. */
const ITEMS = ["a", "b", "c"];

/** Lengths of the lists in the parameters, by group. */
export function listsOf({ document, params }: Scenario): Map<string, number> {
  const lists = new Map<string, number>();
  for (const { id, split } of document.nodes) {
    const list = split?.over.startsWith("params.") ? params[split.over.slice("params.".length)] : undefined;
    if (Array.isArray(list)) lists.set(id, list.length);
  }
  return lists;
}

/** What the scenario's few expressions come to. */
export function verdictOf(
  { document, scripts }: Scenario,
  model: ReferenceModel,
  id: string,
): { verdict: "run" | "skip" | "fail"; members: number } {
  const [name = "", index] = id.split(/[[\]]/);
  const node = document.nodes.find((declared) => declared.id === name);
  const skips = node?.when === "params.no" || (node?.when === "item != 'b'" && ITEMS[Number(index)] === "b");
  const [, read, is] = /^nodes\.(\w+)\.status (==|!=) 'SUCCESSFUL'$/.exec(node?.when ?? "") ?? [];
  const unlike = read !== undefined && (model.standing(read).status === "SUCCESSFUL") !== (is === "==");
  if (skips || unlike) return { verdict: "skip", members: 0 };
  const source = index === undefined ? /^nodes\.(\w+)\.output\.items$/.exec(node?.split?.over ?? "")?.[1] : undefined;
  if (source === undefined)
    return { verdict: "run", members: listsOf({ document, scripts, params: {}, choices: [] }).get(name) ?? 0 };
  const script = scripts[source];
  const output = typeof script === "object" ? (script.output as { items: string[] }) : { items: [] };
  // What only waits has no output of that form.
  const waits = document.nodes.some((other) => other.id === source && other.action.startsWith("belay."));
  const known = model.standing(source).status === "SUCCESSFUL" && !waits;
  return known ? { verdict: "run", members: output.items.length } : { verdict: "fail", members: 0 };
}
