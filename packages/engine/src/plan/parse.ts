/**
 * The one way to a `Plan` (R1, R3, R4, R5): text or document in, every diagnostic out, or a frozen plan with its
 * identity. Owns: the order of the checks, normalisation, positions, the words of the thrown error. Does not own: the
 * checks. Invariants: nothing of the input runs; bad input never throws from `checkPlan`; the caller's document is
 * copied, not frozen; no recursion, linear in the input.
 */
import { BelayError } from "../errors.ts";
import { type Adjacency, at } from "./adjacency.ts";
import { admitJson } from "./admit-json.ts";
import { digestOf } from "./canonical.ts";
import { checkGraph, type ReadGraph } from "./check.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Json, NodeDocument, Plan, PlanDocument } from "./document.ts";
import { DEFAULT_LIMITS, type Limits, limitDiagnostic, resolveLimits } from "./limits.ts";
import { fieldsOf } from "./node-fields.ts";
import { keepOutline } from "./outline.ts";
import { checkParamsSchema } from "./params.ts";
import { readPlainDocument } from "./plain-document.ts";
import type { Position, PositionTarget } from "./position.ts";
import { checkRules } from "./rules.ts";
import { checkStructure, type Doubt } from "./structure.ts";
import { readText } from "./text.ts";

/** How `checkPlan` and `parsePlan` check. */
export interface CheckOptions {
  /** Names the text in messages; ending in `.json`, it refuses what only YAML allows. */
  readonly filename?: string;
  /** Limits to raise or lower (R4); the others keep their defaults. */
  readonly limits?: Partial<Limits>;
  /** Registered action names; without them, names are not checked here but when a run starts. */
  readonly actions?: Iterable<string>;
}

/** What `checkPlan` found. */
export interface PlanCheck {
  /** Set when no diagnostic is an error. */
  readonly plan?: Plan;
  /** In the order of the document; warnings included. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks a plan given as text (YAML or JSON) or as a document. Never throws for bad input; throws INVALID_ARGUMENT for
 * wrong `limits`.
 */
export function checkPlan(source: unknown, options: CheckOptions = {}): PlanCheck {
  const limits = resolveLimits(options.limits);
  if (typeof source !== "string") return checkValue(source, limits, options.actions);
  const text = readText(source, limits, options.filename);
  if (text.value === undefined) return { diagnostics: text.diagnostics };
  const { plan, diagnostics } = checkValue(text.value, limits, options.actions);
  const located = diagnostics.map((diagnostic) => locate(diagnostic, text.positionOf)).toSorted(byPosition);
  return plan === undefined ? { diagnostics: located } : { plan, diagnostics: located };
}

/** The plan of a text, YAML or JSON. Throws PLAN_INVALID, whose `details.diagnostics` has every diagnostic. */
export function parsePlan(text: string, options: CheckOptions = {}): Plan {
  return planOrThrow(checkPlan(text, options), options.filename);
}

/** The plan of a document built in code. Throws PLAN_INVALID, whose `details.diagnostics` has every diagnostic. */
export function definePlan(document: PlanDocument, options: CheckOptions = {}): Plan {
  if (typeof document === "string")
    throw new BelayError("INVALID_ARGUMENT", "definePlan takes a document; text is for parsePlan");
  return planOrThrow(checkPlan(document, options), options.filename);
}

/** A text that is no plan, read like one. */
export interface DocumentText {
  /** Frozen; set when there is no diagnostic. */
  readonly value?: Json;
  /** Syntax, and what is refused in plans too (R4); each with line and column. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads YAML or JSON as plans are read, for files beside them: parameters, settings. Nothing in it is an expression. Never
 * throws for bad input.
 */
export function readDocument(text: string, options: { readonly filename?: string } = {}): DocumentText {
  const read = readText(text, DEFAULT_LIMITS, options.filename);
  if (read.value === undefined) return { diagnostics: read.diagnostics };
  const { value, diagnostics } = admitJson(read.value, DEFAULT_LIMITS);
  if (value === undefined)
    return { diagnostics: diagnostics.map((one) => locate(one, read.positionOf)).sort(byPosition) };
  return { value, diagnostics: [] };
}

/** One line: `file:line:column path: message (suggestion)`, without the parts that are not known. */
export function formatDiagnostic(diagnostic: Diagnostic, filename?: string): string {
  const { line, column, path, message, suggestion } = diagnostic;
  const place = line === undefined ? [filename] : [filename, line, column];
  const head = [place.filter((part) => part !== undefined).join(":"), path].filter((part) => part !== "").join(" ");
  return `${head === "" ? "" : `${head}: `}${message}${suggestion === undefined ? "" : ` (${suggestion})`}`;
}

const SHOWN_DIAGNOSTICS = 10;

function planOrThrow({ plan, diagnostics }: PlanCheck, filename: string | undefined): Plan {
  if (plan !== undefined) return plan;
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  const lines = errors.slice(0, SHOWN_DIAGNOSTICS).map((diagnostic) => formatDiagnostic(diagnostic, filename));
  if (errors.length > SHOWN_DIAGNOSTICS) lines.push(`and ${errors.length - SHOWN_DIAGNOSTICS} more`);
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  throw new BelayError("PLAN_INVALID", `the plan has ${count}:\n${lines.join("\n")}`, { diagnostics });
}

function checkValue(source: unknown, limits: Limits, actions: Iterable<string> | undefined): PlanCheck {
  const plain = readPlainDocument(source, limits);
  if (plain !== undefined) {
    const { document, isNormal, fields, edges } = plain;
    const read = { fields, edges };
    return checkSound({ document, isNormal, diagnostics: [], doubt: NO_DOUBT, read }, limits, actions);
  }
  const { sketch, diagnostics: refused } = admitJson(source, limits);
  if (sketch === undefined) return { diagnostics: refused };
  const tooMany = nodeLimit(sketch, limits);
  if (tooMany !== undefined) return { diagnostics: [...refused, tooMany] };
  const { diagnostics: found, sound, doubt } = checkStructure(sketch);
  const diagnostics = refused.length === 0 ? found : unlessRefused(found, refused);
  if (sound === undefined) return { diagnostics };
  const read = { fields: fieldsOf(sound), edges: undefined };
  return checkSound({ document: sound, isNormal: false, diagnostics, doubt, read }, limits, actions);
}

const NO_DOUBT: Doubt = { ids: false, edges: false };

/** A document whose structure is right, or was mended to be. */
interface SoundDocument {
  readonly document: PlanDocument;
  /** Its nodes are as a plan has them: `upstreams` only, and those not empty. */
  readonly isNormal: boolean;
  /** Found so far; the others are added. */
  readonly diagnostics: Diagnostic[];
  readonly doubt: Doubt;
  readonly read: ReadGraph;
}

function checkSound(sound: SoundDocument, limits: Limits, actions: Iterable<string> | undefined): PlanCheck {
  const { document, isNormal, diagnostics, doubt, read } = sound;
  const { fields } = read;
  if (document.params !== undefined)
    for (const diagnostic of checkParamsSchema(document.params)) diagnostics.push(diagnostic);
  for (const diagnostic of checkRules(document, actions, fields)) diagnostics.push(diagnostic);
  const graph = checkGraph(document, limits, read);
  for (const diagnostic of graph.diagnostics) if (!isDoubtful(diagnostic, doubt)) diagnostics.push(diagnostic);
  if (diagnostics.some((diagnostic) => diagnostic.severity === "error")) return { diagnostics };
  const { numbers, up } = graph.edges;
  const normal = normalise(document, up, isNormal);
  const { hash, bytes } = digestOf(normal, up, fields);
  if (bytes > limits.bytes) return { diagnostics: [...diagnostics, limitDiagnostic(limits, "bytes", "", bytes)] };
  const plan = Object.freeze({ document: normal, hash }) as Plan;
  keepOutline(plan, { numbers, up, order: graph.order, fields });
  return { plan, diagnostics };
}

/** What was refused as data is not judged again as a field. */
function unlessRefused(found: readonly Diagnostic[], refused: readonly Diagnostic[]): Diagnostic[] {
  const paths = new Set(refused.map(({ path }) => path));
  return [...refused, ...found.filter(({ path }) => !paths.has(path))];
}

/** Whether it may only follow from what the structure lacks: told once that is mended. */
function isDoubtful({ code, path }: Diagnostic, { ids, edges }: Doubt): boolean {
  if (code === "UNKNOWN_NODE") return ids;
  if (code === "NOT_AN_ANCESTOR" || code === "EDGE_MISMATCH") return ids || edges;
  return code === "CONFLICT" && path.endsWith(".trigger") && (ids || edges);
}

/** Before the schema: a list that is far too long is not worth a look at each item. */
function nodeLimit(value: Json, limits: Limits): Diagnostic | undefined {
  const nodes = typeof value === "object" && value !== null && "nodes" in value ? value["nodes"] : undefined;
  const count = Array.isArray(nodes) ? nodes.length : 0;
  return count > limits.nodes ? limitDiagnostic(limits, "nodes", "nodes", count) : undefined;
}

/** Edges on one side only. The rest of the document is frozen already. */
function normalise(document: PlanDocument, up: Adjacency, isNormal: boolean): PlanDocument {
  const { nodes } = document;
  const normal = isNormal ? nodes : nodes.map((node, v) => withUpstreams(node, nodes, { up, v }));
  return Object.freeze({ ...document, nodes: Object.freeze(normal) });
}

function withUpstreams(
  node: NodeDocument,
  nodes: readonly NodeDocument[],
  { up: { offset, target }, v }: { readonly up: Adjacency; readonly v: number },
): NodeDocument {
  const { downstreams: _downstreams, upstreams: _upstreams, ...rest } = node;
  const upstreams: string[] = [];
  for (let edge = at(offset, v); edge < at(offset, v + 1); edge++) {
    upstreams.push((nodes[at(target, edge)] as NodeDocument).id);
  }
  return Object.freeze(upstreams.length === 0 ? rest : { ...rest, upstreams: Object.freeze(upstreams) });
}

/** A field's name is shown for what is wrong with the name, its value for what is wrong with the value. */
function locate(diagnostic: Diagnostic, positionOf: (path: string, target: PositionTarget) => Position): Diagnostic {
  if (diagnostic.line !== undefined) return diagnostic;
  const { code, path } = diagnostic;
  const isName = code === "UNKNOWN_FIELD" || (code === "UNSUPPORTED" && !/\.\$ref$/.test(path));
  return { ...diagnostic, ...positionOf(path, isName ? "key" : "value") };
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
