/** Commands of the core as the simulation and its judge read them. Owns: what a notice says beside its name. */
import { type Commands, Op, OUTCOME_SPAN } from "../../core/index.ts";
import { OUTCOMES, SKIP_REASONS, STOP_CODES } from "../../runtime/words.ts";

/** What a notice says beside its name: why, or how it ended. */
export function detailOf(commands: Commands, row: number): string | undefined {
  const value = commands.value[row] as number;
  switch (commands.op[row]) {
    case Op.SKIPPED:
      return SKIP_REASONS[value];
    case Op.CANCELING:
      return STOP_CODES[value];
    case Op.FAILED:
    case Op.RETRYING:
      return OUTCOMES[(commands.extra[row] as number) % OUTCOME_SPAN];
    default:
      return undefined;
  }
}

/** A command that makes a call. */
export function isCall(op: number | undefined): boolean {
  return op === Op.RUN || op === Op.COMPENSATE;
}
