/**
 * The structure of a plan document as a schema: which fields, of which type, within which range. The only door to valibot.
 * Owns: the fields, and the words that editors show beside them (`plan.schema.json` is generated from here).
 * Does not own: what depends on more than one field (`rules.ts`) or on the graph (`check.ts`); inside `with` and `params`
 * it accepts any value, their own checks are `rules.ts` and `params.ts`.
 */
import * as v from "valibot";
import type {
  AlwaysDocument,
  CompensationDocument,
  Expression,
  NodeDocument,
  PlanDocument,
  RetryDocument,
  SplitDocument,
  Template,
} from "./document.ts";

/** Longest duration a plan can ask for, in seconds: a year. */
export const MAX_DURATION_SECONDS = 31_536_000;

/** What an id of a node looks like. */
export const ID_PATTERN: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const PERCENT_PATTERN = /^(?:100|[0-9]{1,2}(?:\.[0-9]{1,6})?)%$/;
const TOLERATED = 'must be a number of members from 0, or a percentage such as "25%"';

/** Any JSON value in which any value may be an expression; in the published schema it refers to `$defs.template`. */
export const templateSchema: v.GenericSchema<unknown, Template> = v.custom<Template>(() => true);
/** A JSON Schema; in the published schema it refers to the meta-schema. */
export const paramsSchema: v.GenericSchema<unknown, NonNullable<PlanDocument["params"]>> = v.custom<
  NonNullable<PlanDocument["params"]>
>(isMapping, "must be a mapping: a JSON Schema");
const labelsMapping = v.custom<NonNullable<PlanDocument["labels"]>>(
  isMapping,
  "must be a mapping whose values are strings",
);
/** Own check: valibot's `record` skips keys such as `constructor`. */
export const labelsSchema: v.GenericSchema<unknown, NonNullable<PlanDocument["labels"]>> = {
  ...labelsMapping,
  "~run"(dataset, config) {
    const input: unknown = dataset.value;
    const result = labelsMapping["~run"](dataset, config);
    for (const [key, value] of isMapping(input) ? Object.entries(input) : []) {
      if (typeof value === "string") continue;
      const path = [{ type: "object", origin: "value", input: input as Record<string, unknown>, key, value }] as const;
      v._addIssue(labelsMapping, "value", result, config, {
        input: value,
        message: "must be a string",
        path: [...path],
      });
    }
    return result;
  },
};

const boolean = (about: string) => v.exactOptional(v.pipe(v.boolean(), v.description(about)));
const text = (about: string) => v.exactOptional(v.pipe(v.string(), v.description(about)));
const word = (about: string) => v.exactOptional(v.pipe(v.string(), v.minLength(1), v.description(about)));
const strings = (about: string, ...items: string[]) =>
  v.exactOptional(v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.description(about), v.examples([items])));
const choice = <const T extends readonly (string | number)[]>(options: T, about: string) =>
  v.exactOptional(v.pipe(v.picklist(options), v.description(about)));
const integer = (least: number, most: number, about: string) =>
  v.exactOptional(
    v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most), v.description(about), v.examples([least])),
  );
const duration = (about: string, example = 30) =>
  v.exactOptional(
    v.pipe(
      v.number(),
      v.minValue(0),
      v.maxValue(MAX_DURATION_SECONDS),
      v.description(`${about} Seconds.`),
      v.examples([example]),
    ),
  );
const cel = (about: string, example: string) =>
  v.pipe(v.string(), v.minLength(1), v.description(`CEL expression. ${about}`), v.examples([example]));
const template = (about: string) =>
  v.exactOptional(
    v.pipe(
      templateSchema,
      v.description(`${about} A value {"$cel": "..."} is an expression, anything else is literal.`),
    ),
  );
const actionName = (about: string, example: string) =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(128), v.description(about), v.examples([example]));

export const expressionSchema: v.GenericSchema<unknown, Expression> = mapping({
  $cel: cel("Its value takes this place.", "params.cluster"),
});

const retrySchema: v.GenericSchema<unknown, RetryDocument> = mapping({
  maxAttempts: integer(1, 10_000, "Exactly this many attempts, the first included. Default 1: no retry."),
  initialInterval: duration("Wait before the second attempt. Default 1.", 1),
  backoffCoefficient: v.exactOptional(
    v.pipe(
      v.number(),
      v.minValue(1),
      v.maxValue(1000),
      v.description("The wait is multiplied by this after every attempt. Default 2."),
      v.examples([2]),
    ),
  ),
  maxInterval: duration("The wait never exceeds this. Default: 100 times initialInterval.", 100),
  jitter: choice(["none", "full"], "full: the wait is drawn uniformly from 0 to its computed value. Default none."),
  nonRetryable: strings("Error codes that end the attempts at once.", "INPUT_INVALID"),
  mode: choice(
    ["rerun", "compensate-first"],
    "compensate-first: the node is compensated before each further attempt. Default rerun.",
  ),
});

const compensationSchema: v.GenericSchema<unknown, CompensationDocument> = mapping({
  action: actionName("Registered name of the action that undoes the node.", "vip.restore"),
  with: template("Its input; default: the node's own input."),
  timeout: duration("Limit of one attempt; 0 = none. Default: defaults.compensation.timeout, else none."),
  retry: v.exactOptional(v.pipe(retrySchema, v.description("How often the compensation is tried."))),
  when: choice(
    ["started", "succeeded"],
    "started (default) also undoes failed and unknown outcomes; succeeded only successes.",
  ),
});

const splitSchema: v.GenericSchema<unknown, SplitDocument> = mapping({
  over: cel("A list over params, or over an ancestor's output; one member per item.", "params.replicas"),
  as: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(NAME_PATTERN, "must be a name: letters, digits and _, not starting with a digit"),
      v.description("Also binds the item under this name in expressions of this node."),
      v.examples(["replica"]),
    ),
  ),
  method: choice(
    ["PARALLEL", "SERIAL", "FIRST_SUCCESS"],
    "PARALLEL (default): independent. SERIAL: one after the other. FIRST_SUCCESS: in order until one succeeds.",
  ),
  maxConcurrency: integer(1, 1_000_000, "At most this many members run at once. Default: no limit of the group's own."),
  tolerated: v.exactOptional(
    v.pipe(
      v.union(
        [
          v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000)),
          v.pipe(v.string(), v.regex(PERCENT_PATTERN, TOLERATED)),
        ],
        TOLERATED,
      ),
      v.description("This many members, or this share of them, may fail without failing the group. Default 0."),
      v.examples([1, "25%"]),
    ),
  ),
});

const alwaysSchema: v.GenericSchema<unknown, AlwaysDocument> = mapping({
  for: v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1))),
    v.minLength(1),
    v.description("Ids of the setup nodes: once one of them has started, there is something to clean up."),
    v.examples([["take-lock"]]),
  ),
});

const nodeFields = {
  id: v.pipe(
    v.string(),
    v.regex(ID_PATTERN, 'must be 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit'),
    v.description("Unique in the plan."),
    v.examples(["promote"]),
  ),
  name: text("Shown to people; default: the id."),
  description: text("Shown to people."),
  nodeType: word('What kind of node it is, shown to people; default "TASK".'),
  action: actionName(
    "Registered name of the action; belay.noop, wait, poll, approval, signal and plan are built in.",
    "pg.promote",
  ),
  with: template("The action's input."),
  upstreams: strings("Ids of the nodes that must be done before this one.", "fence"),
  downstreams: strings("The same edges from the other side; when given, both sides must agree.", "promote"),
  when: v.exactOptional(cel("A boolean; false: the node is skipped.", 'params.mode == "switchover"')),
  trigger: choice(
    ["all_succeeded", "all_finished", "any_succeeded", "any_failed", "all_failed", "none_failed"],
    "Which states of the upstreams let the node start. Default all_succeeded.",
  ),
  timeout: duration("Limit of one attempt, from its dispatch; 0 = none."),
  totalTimeout: duration("Limit over all attempts of the node; 0 = none.", 300),
  heartbeatTimeout: duration("The attempt times out after this long without a heartbeat; 0 = none.", 10),
  retry: v.exactOptional(v.pipe(retrySchema, v.description("How often the action is tried. Default: once."))),
  compensation: v.exactOptional(v.pipe(compensationSchema, v.description("Undoes the node when the run rolls back."))),
  effect: choice(["none"], "none: the action only reads; nothing to undo, never a barrier."),
  prohibitRollback: boolean("A point of no return as soon as the node has started."),
  split: v.exactOptional(v.pipe(splitSchema, v.description("One member per item of a list."))),
  always: v.exactOptional(
    v.pipe(alwaysSchema, v.description("A teardown: runs when the run or its rollback ends, whatever happened.")),
  ),
  onFailure: choice(["fail", "continue"], "continue: a failure of this node is tolerated and shown. Default fail."),
  pool: word("Name of a limit shared by runs."),
  priority: integer(-1_000_000, 1_000_000, "Higher starts first among nodes that are ready together. Default 0."),
  seriesId: integer(0, 1_000_000_000, "Unique label and tie-break, never a constraint. Default: assigned."),
  parallelIdx: choice([-1, 0], "Accepted from OCP as a label: -1 = not split, 0 = was split over a list of one."),
} satisfies Record<keyof NodeDocument, v.GenericSchema<unknown, unknown>>;

const nodeSchema: v.GenericSchema<unknown, NodeDocument> = mapping(nodeFields);

/** Whether a value is one that the schema takes for this field of a node. */
export function fitsNodeField(field: string, value: unknown): boolean {
  return Object.hasOwn(nodeFields, field) && v.is(nodeFields[field as keyof NodeDocument], value);
}

export const planSchema: v.GenericSchema<unknown, PlanDocument> = mapping({
  belay: v.pipe(v.literal(1), v.description("Format version."), v.examples([1])),
  $schema: text("Where editors find the schema of this file."),
  name: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(256),
    v.description("Name of the plan."),
    v.examples(["failover"]),
  ),
  title: text("Shown to people; default: the name."),
  description: text("Shown to people."),
  labels: v.exactOptional(v.pipe(labelsSchema, v.description("Free strings by name."), v.examples([{ team: "dba" }]))),
  params: v.exactOptional(
    v.pipe(
      paramsSchema,
      v.description(
        "JSON Schema (2020-12) of the run's parameters; x-secret: true marks a secret, which only actions and expressions see.",
      ),
    ),
  ),
  locks: v.exactOptional(
    v.pipe(
      v.array(v.union([v.pipe(v.string(), v.minLength(1)), expressionSchema], 'must be a name or {"$cel": "..."}')),
      v.description("Resources that this run holds alone."),
      v.examples([["cluster/main"]]),
    ),
  ),
  timeout: duration("Limit of the whole run; 0 = none.", 3600),
  failureMode: choice(
    ["no-new", "continue", "kill"],
    "After a failure: no-new (default) starts nothing new, continue goes on with independent branches, kill aborts what runs.",
  ),
  onFailure: choice(
    ["pause", "rollback"],
    "What a failed run does: pause (default) waits for an operator, rollback undoes what is safe.",
  ),
  defaults: v.exactOptional(
    v.pipe(
      mapping({
        timeout: duration("timeout of nodes that give none."),
        retry: v.exactOptional(v.pipe(retrySchema, v.description("retry of nodes that give none."))),
        compensation: v.exactOptional(mapping({ timeout: duration("timeout of compensations that give none.") })),
      }),
      v.description("What nodes leave out."),
    ),
  ),
  prohibitRollback: boolean("true: the whole run can never be rolled back."),
  nodes: v.pipe(v.array(nodeSchema), v.description("The steps; only their edges order them.")),
});

/** One deviation from the schema. `known` lists the fields or words that would have been right. */
export interface StructureIssue {
  readonly kind: "unknown" | "missing" | "type" | "choice" | "value";
  readonly path: readonly (string | number)[];
  /** "must be ..." */
  readonly message: string;
  readonly known: readonly string[];
}

/** Every deviation of a value from the schema; empty = it is a `PlanDocument` but for `with` and `params`. */
export function structureIssues(value: unknown): StructureIssue[] {
  return (v.safeParse(planSchema, value).issues ?? []).map(toStructureIssue);
}

function toStructureIssue(issue: v.BaseIssue<unknown>): StructureIssue {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  const known = [...(issue.expected ?? "").matchAll(/"([^"]*)"/g)].map((match) => match[1] as string);
  const custom = issue.message.startsWith("Invalid ") ? undefined : issue.message;
  const expected = (issue.expected ?? "").replaceAll(/[()]/g, "").replaceAll(" | ", ", ");
  switch (issue.type) {
    case "strict_object":
      if (issue.path?.at(-1)?.origin !== "key") return { kind: "type", path, message: "must be a mapping", known: [] };
      return { kind: issue.message === UNKNOWN ? "unknown" : "missing", path, message: "", known };
    case "picklist":
      return { kind: "choice", path, message: `must be one of ${expected}`, known };
    case "literal": {
      const given = typeof issue.input === "string" ? `, not the string ${JSON.stringify(issue.input)}` : "";
      return { kind: "value", path, message: `must be the number ${expected}${given}`, known: [] };
    }
    case "min_value":
      return { kind: "value", path, message: `must be at least ${String(issue.requirement)}`, known: [] };
    case "max_value":
      return { kind: "value", path, message: `must be at most ${String(issue.requirement)}`, known: [] };
    case "min_length":
      return { kind: "value", path, message: "must not be empty", known: [] };
    case "max_length":
      return { kind: "value", path, message: `must have at most ${String(issue.requirement)} characters`, known: [] };
    case "integer":
      return { kind: "value", path, message: "must be a whole number", known: [] };
    case "regex":
      return { kind: "value", path, message: custom ?? "has the wrong form", known: [] };
    default:
      return { kind: "type", path, message: custom ?? `must be ${TYPE_WORDS[expected] ?? expected}`, known: [] };
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  Array: "a list",
  Object: "a mapping",
};

const UNKNOWN = "unknown field";

/**
 * valibot's strict object, but strict as JSON is: a list is no mapping, and every unknown field is reported, not only
 * the first.
 */
function mapping<const Entries extends v.ObjectEntries>(entries: Entries): v.StrictObjectSchema<Entries, undefined> {
  const schema = v.strictObject(entries);
  const known = Object.keys(entries);
  const expected = known.map((key) => JSON.stringify(key)).join(" | ");
  const loose = v.object(entries);
  return {
    ...schema,
    "~run"(dataset, config) {
      const input = dataset.value;
      if (!isMapping(input)) return schema["~run"]({ value: null }, config);
      const result = loose["~run"](dataset, config);
      // Missing fields carry the type of the schema that found them.
      for (const issue of result.issues ?? [])
        if (issue.type === "object") Object.assign(issue, { type: "strict_object" });
      for (const key of Object.keys(input)) {
        if (Object.hasOwn(entries, key)) continue;
        const path = [{ type: "object", origin: "key", input, key, value: input[key] }] as const;
        v._addIssue(schema, "key", result, config, { input: key, expected, message: UNKNOWN, path: [...path] });
      }
      return result as ReturnType<(typeof schema)["~run"]>;
    },
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
