/**
 * The built-in actions: their names and what their input must be. Owns: one table, read when a plan is checked (literal
 * inputs), when a run starts, and when an attempt starts (evaluated inputs). Does not own: what they do
 * (`runtime/actions.ts`, `runtime/waiting.ts`, `runtime/sub-run.ts`).
 */
import type { Json } from "./document.ts";
import { personOf } from "./person.ts";

/** Actions the engine brings along. */
export const BUILT_IN: readonly string[] = [
  "belay.noop",
  "belay.wait",
  "belay.poll",
  "belay.approval",
  "belay.signal",
  "belay.plan",
];

/** They call nothing and take no slot: something outside ends their attempt, or time does. */
const WAITING: ReadonlySet<string> = new Set(["belay.wait", "belay.approval", "belay.signal"]);

/** Whether a node with that action only waits. */
export function isWaiting(action: string): boolean {
  return WAITING.has(action);
}

/** Longest wait in seconds, and the longest between two polls: a year. */
const LONGEST_SECONDS = 31_536_000;

/** What is wrong with one field of an input; "" is the input as a whole. */
export interface InputFault {
  readonly field: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, Json>>;

/** A field's check answers "must be ..."; undefined = right. */
type FieldCheck = (value: Json) => string | undefined;

interface InputRule {
  readonly fields: Readonly<Record<string, FieldCheck>>;
  readonly required: readonly string[];
  /** What depends on more than one field. */
  readonly whole?: (fields: Fields) => InputFault | undefined;
}

const seconds: FieldCheck = (value) =>
  typeof value === "number" && value >= 0 && value <= LONGEST_SECONDS
    ? undefined
    : `must be a number of seconds from 0 to ${LONGEST_SECONDS}`;
const name: FieldCheck = (value) => (typeof value === "string" && value !== "" ? undefined : "must be a name");
const anything: FieldCheck = () => undefined;
const moment: FieldCheck = (value) =>
  momentOf(value) === undefined ? "must be a time: ISO 8601 with its zone, or epoch milliseconds" : undefined;
const people: FieldCheck = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string" && personOf(one) !== "")
    ? undefined
    : "must be a list of names";
const count: FieldCheck = (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1000
    ? undefined
    : "must be a whole number from 1 to 1000";
const mapping: FieldCheck = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "must be a mapping";

const RULES: ReadonlyMap<string, InputRule> = new Map<string, InputRule>(
  Object.entries({
    "belay.wait": {
      fields: { seconds, until: moment },
      required: [],
      whole: ({ seconds: given, until }) =>
        (given === undefined) === (until === undefined)
          ? { field: "", message: "needs either seconds or until" }
          : undefined,
    },
    "belay.poll": { fields: { action: name, with: anything, interval: seconds }, required: ["action", "interval"] },
    "belay.approval": {
      fields: { approvers: people, required: count },
      required: [],
      whole: ({ approvers, required }) => {
        if (!Array.isArray(approvers) || typeof required !== "number") return undefined;
        const people = new Set(approvers.map((one) => personOf(one as string))).size;
        if (people >= required) return undefined;
        return { field: "required", message: `asks for ${required} approvals of ${people} approvers` };
      },
    },
    "belay.signal": { fields: {}, required: [] },
    "belay.plan": { fields: { plan: name, params: mapping }, required: ["plan"] },
  }),
);

/** Inputs that may be left out as a whole. */
const OPTIONAL: ReadonlySet<string> = new Set(["belay.approval", "belay.signal"]);

/**
 * Everything that is wrong with the input of a built-in action; empty for other actions. `isOpen` tells of a value that
 * is not known yet, an expression: it is not judged.
 */
export function inputFaults(
  action: string,
  input: Json | undefined,
  isOpen: (value: Json) => boolean = () => false,
): InputFault[] {
  const rule = RULES.get(action);
  if (rule === undefined || (input === undefined && OPTIONAL.has(action))) return [];
  if (input === undefined) return [{ field: "", message: `${action} needs an input: ${describe(rule)}` }];
  if (typeof input === "object" && input !== null && "$cel" in input && isOpen(input)) return [];
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return [{ field: "", message: `the input of ${action} must be a mapping: ${describe(rule)}` }];
  }
  return fieldFaults(action, rule, input as Fields, isOpen);
}

function fieldFaults(action: string, rule: InputRule, input: Fields, isOpen: (value: Json) => boolean): InputFault[] {
  const faults: InputFault[] = [];
  for (const [field, value] of Object.entries(input)) {
    const check = Object.hasOwn(rule.fields, field) ? rule.fields[field] : undefined;
    if (check === undefined) faults.push({ field, message: `${action} has no input "${field}": ${describe(rule)}` });
    else if (!isOpen(value)) {
      const message = check(value);
      if (message !== undefined) faults.push({ field, message: `${field} of ${action} ${message}` });
    }
  }
  for (const field of rule.required) {
    if (input[field] === undefined) faults.push({ field: "", message: `${action} needs ${field}` });
  }
  const open = Object.values(input).some(isOpen);
  const whole = faults.length === 0 && !open ? rule.whole?.(input) : undefined;
  if (whole !== undefined) faults.push({ ...whole, message: `${action} ${whole.message}` });
  return faults;
}

function describe({ fields, required }: InputRule): string {
  const names = Object.keys(fields).map((field) => (required.includes(field) ? field : `${field}?`));
  return names.length === 0 ? "it takes none" : names.join(", ");
}

/** Epoch milliseconds of a time; undefined for what is none. */
export function momentOf(value: Json): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(value)) {
    return undefined;
  }
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}
