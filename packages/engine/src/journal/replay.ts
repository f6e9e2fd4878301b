/**
 * Replay (R42, R50): the state of a run from its records, through the same core that made them. Commands of a replay are
 * not carried out; the caller reads the state. Owns: nothing but the loop and the form of one record as text.
 */
import { Commands, createState, type RunState, type Settings, step } from "../core/index.ts";
import type { CompiledPlan } from "../plan/compiled.ts";
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

/** One record as canonical text (RFC 8785): equal records are equal bytes (R50). */
export function encodeRecord(record: JournalRecord): string {
  return canonicalJson(record);
}
