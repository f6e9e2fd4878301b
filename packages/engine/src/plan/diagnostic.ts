/**
 * Diagnostics: what is wrong with a plan, as data. All of them at once, each with its place and, where one exists, the
 * remedy (R1, R3, R4). Owns: the shape and the closed list of codes.
 */

/** What kind of mistake it is: stable, for programs. */
export type DiagnosticCode =
  /** The text is not YAML or JSON. */
  | "SYNTAX"
  /** Two equal keys in one mapping. */
  | "DUPLICATE_KEY"
  /** A YAML alias, anchor or custom tag. */
  | "YAML_FEATURE"
  /** An integer of 2^53 or beyond. */
  | "UNSAFE_INTEGER"
  /** A field the format does not know; `suggestion` says what may be meant. */
  | "UNKNOWN_FIELD"
  /** The format requires a field that is not there. */
  | "MISSING_FIELD"
  /** A number where a string belongs, a list where a mapping belongs, ... */
  | "WRONG_TYPE"
  /** Right type, value not allowed: a bad id, a negative or huge timeout, a word outside the list. */
  | "INVALID_VALUE"
  /** Two nodes with one id. */
  | "DUPLICATE_ID"
  /** Two nodes with one `seriesId` (R13). */
  | "DUPLICATE_SERIES_ID"
  /** A node names the same neighbour twice. */
  | "DUPLICATE_EDGE"
  /** A node names itself. */
  | "SELF_EDGE"
  /** An edge leads to an id that no node has. */
  | "UNKNOWN_NODE"
  /** `upstreams` and `downstreams` disagree. */
  | "EDGE_MISMATCH"
  /** The message names the shortest cycle. */
  | "CYCLE"
  /** Nobody registered that action, or no built-in one has that name; checked where the registered names are known. */
  | "UNKNOWN_ACTION"
  /** The engine has no pool of that name; found when a run starts. */
  | "UNKNOWN_POOL"
  /** The engine has no plan of that name for `belay.plan` to run; found when a run starts. */
  | "UNKNOWN_PLAN"
  /** Two fields that contradict each other. */
  | "CONFLICT"
  /** A CEL expression that does not parse or type-check, or uses what is refused. */
  | "EXPRESSION"
  /** An expression reads a node that is not an ancestor. */
  | "NOT_AN_ANCESTOR"
  /** A `split` list that is missing, no list, or empty. */
  | "SPLIT"
  /** A parameter that is unknown, missing or does not fit, or a `params` schema that contradicts itself. */
  | "PARAMS"
  /** A limit was exceeded (R4); the message names the limit and its setting. */
  | "LIMIT"
  /** Known to the format or to JSON Schema, not to this version: refused, never ignored. */
  | "UNSUPPORTED";

/** One thing that is wrong with a plan or its parameters, and where. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  /** `error`: no plan is made, no run starts. `warning`: worth a look, nothing is refused. */
  readonly severity: "error" | "warning";
  /** Place in the document: `nodes[3].upstreams[0]`; "" is the document itself. */
  readonly path: string;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** The remedy, when one is known: `did you mean "upstreams"?` */
  readonly suggestion?: string;
  /** Line from 1, for plans given as text. */
  readonly line?: number;
  /** Column from 1, in UTF-16 code units; given together with `line`. */
  readonly column?: number;
}
