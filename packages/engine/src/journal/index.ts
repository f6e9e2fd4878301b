/**
 * @belay/engine/journal: the port for those who write a journal of their own, and what works with any journal. Hold an
 * adapter against `journalConformance` of `@belay/engine/testing`.
 */
export { type ExportedRun, exportRun, readExport } from "./export.ts";
export { MemoryJournal } from "./memory.ts";
export type {
  ClaimResult,
  CreateResult,
  Journal,
  JournalListener,
  JournalRecord,
  Lease,
  LogLine,
  MaybePromise,
  OperatorRequest,
  ParentAttempt,
  RequestAnswer,
  RunHeader,
  RunProgress,
  RunSummary,
  SharedPool,
  StartedBy,
  TakenSlots,
} from "./port.ts";
