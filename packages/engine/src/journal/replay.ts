/**
 * Replay (R42, R50): the state of a run from its records, through the same core that made them. Commands of a replay are
 * not carried out; the caller reads the state. Owns: nothing but the loop and the form of one record as text.
 */
import { Commands, createState, type RunState, type Settings, step } from "../core/index.ts";
import type { CompiledPlan } from "../plan/compiled.ts";
import type { Json } from "../plan/document.ts";
import { canonicalJson } from "../plan/identity.ts";
import type { JournalRecord } from "./port.ts";

/** The state after `records`. Fails with InvariantError for records that this plan cannot have produced. */
export function replay(plan: CompiledPlan, settings: Settings, records: readonly JournalRecord[]): RunState {
  const state = createState(plan, settings);
  const commands = new Commands();
  for (const record of records) {
    step(state, record.input, commands);
    commands.clear();
  }
  return state;
}

/**
 * One record as canonical text (RFC 8785): equal records are equal bytes (R50). An output may hold half a surrogate pair,
 * which RFC 8785 has no form for: it becomes the escape that JSON.stringify writes.
 */
export function encodeRecord(record: JournalRecord): string {
  try {
    return canonicalJson(record);
  } catch (error) {
    if (!/\\ud[89a-f]/.test(JSON.stringify(record))) throw error;
    return sortedJson(record as unknown as Json);
  }
}

/** RFC 8785 but for half surrogate pairs. Recursive: for the few values that need it. */
function sortedJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  const members = value as Readonly<Record<string, Json>>;
  const keys = Object.keys(members).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sortedJson(members[key] as Json)}`).join(",")}}`;
}
