/**
 * A scenario as people read it: its plan as YAML, one node a line, and what its actions do. Owns: the layout. What it
 * prints is a plan that `parsePlan` reads back (YAML with the values of a node in flow style).
 */
import type { Json, PlanDocument } from "../../plan/document.ts";
import type { Scenario } from "./scenario.ts";

/**
 * The plan of a scenario as YAML, after comments with the seed (when given), the parameters and the scripts. Put it into
 * the message of a failed property: what it says is all that is needed to see it again.
 */
export function describeScenario({ document, params, scripts }: Scenario, seed?: number): string {
  const head = seed === undefined ? [] : [`# seed: ${seed}`];
  const acts = Object.entries(scripts).map(([node, script]) => `# ${node}: ${flow(script as Json)}`);
  return [...head, `# params: ${flow(params)}`, "# actions:", ...acts, planYaml(document)].join("\n");
}

/** A plan as YAML, one node a line. */
export function planYaml({ nodes, ...head }: PlanDocument): string {
  const lines = Object.entries(head).map(([key, value]) => `${key}: ${flow(value as Json)}`);
  const list = nodes.map((node) => `  - ${flow(node as unknown as Json)}`);
  return [...lines, nodes.length === 0 ? "nodes: []" : "nodes:", ...list, ""].join("\n");
}

/** YAML in flow style: JSON without the quotes that YAML does not need. */
function flow(value: Json): string {
  if (typeof value === "string") return PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map(flow).join(", ")}]`;
  const fields = Object.entries(value).map(([key, field]) => `${flow(key)}: ${flow(field)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

/** Strings that mean themselves wherever they stand; all others are quoted. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
/** Strings that YAML would take for something else. */
const WORDS = /^(true|false|null|yes|no|on|off|y|n)$/i;

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
