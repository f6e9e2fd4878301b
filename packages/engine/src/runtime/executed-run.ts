/** What a run is executed from, and what it keeps when another executor takes it up. Owns: the shapes. */
import type { JournalRecord, Lease, RunHeader } from "../journal/port.ts";
import type { CompiledProgram } from "../plan/compile.ts";
import type { RunEmitter } from "./emitter.ts";
import type { RunSecrets } from "./run-secrets.ts";

/** What a run is executed from. */
export interface ExecutedRun {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly lease: Lease;
  readonly secrets: RunSecrets;
  /** Of a run that is taken up again; none for a new one. */
  readonly records?: readonly JournalRecord[];
}

/** What a run keeps when another executor takes it up. */
export interface RunLinks {
  readonly emitter: RunEmitter;
  /** Calls that have not let go, by id of the node. */
  readonly live: Map<string, number>;
}
