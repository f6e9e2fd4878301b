/**
 * `--params @file`: parameters from a JSON or YAML file. The engine is this project's only reader of YAML, and what it reads
 * are plans: the file is read as the input (`with`) of a plan's only node. So the same things are refused as in plans, with
 * their place: duplicate keys, aliases, integers that would be rounded, oversized text (R4).
 */
import { checkPlan, type Json } from "@belay/engine";
import type { Params } from "./params.ts";
import { readTextFile } from "./plan-file.ts";
import { oneLine } from "./render/text.ts";
import { UsageError } from "./usage-error.ts";

/** What goes around the text of a file. */
interface Wrapping {
  readonly head: string;
  /** Before each line. */
  readonly indent: string;
  readonly tail: string;
}

const JSON_PLAN: Wrapping = {
  head: '{"belay":1,"name":"params","nodes":[{"id":"params","action":"belay.noop","with":\n',
  indent: "",
  tail: "\n}]}",
};

const YAML_PLAN: Wrapping = {
  head: "belay: 1\nname: params\nnodes:\n  - id: params\n    action: belay.noop\n    with:\n",
  indent: "      ",
  tail: "\n",
};

/** The mapping in the file; `.json` is read as JSON, anything else as YAML. Throws UsageError with one line that says why not. */
export async function readParamsFile(path: string): Promise<Params> {
  const { head, indent, tail } = path.toLowerCase().endsWith(".json") ? JSON_PLAN : YAML_PLAN;
  const text = (await readTextFile(path)).replace(/^\ufeff/, "");
  const lines = text.split(/\r?\n/).map((line) => (line === "" ? line : indent + line));
  const { plan, diagnostics } = checkPlan(head + lines.join("\n") + tail, { filename: path });
  const [first] = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  if (first !== undefined) {
    const line = Math.max(1, (first.line ?? 1) - head.split("\n").length + 1);
    const column = Math.max(1, (first.column ?? 1) - indent.length);
    throw new UsageError(`${path}:${line}:${column}: ${oneLine(first.message)}`);
  }
  const value = plan?.document.nodes[0]?.with as Json | undefined;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Params;
  throw new UsageError(`${path} must hold a mapping of parameters`);
}
