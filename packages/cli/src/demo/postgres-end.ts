/** What is said when a PostgreSQL demo is over, in the process that began it or in a later one. */
import type { RunSnapshot } from "@belay/engine";
import { isTerminal } from "@belay/engine/core";
import { explainPolardbRun } from "@belay/failover-plans/polardb";
import { explainPostgresRun } from "@belay/failover-plans/postgres";
import type { Context } from "../context.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import { storedChoices } from "../render/stored-choices.ts";
import { faultsOf, type PostgresReport, reportLines } from "./postgres-report.ts";
import { PATIENCE_MS, type ShowSpec } from "./postgres-show.ts";

/** A run at rest, and what its clients say. */
export interface Ended {
  readonly snapshot: RunSnapshot;
  /** undefined when interrupted: nothing is counted then. */
  readonly report: PostgresReport | undefined;
}

/** The exit code is that of the run's status, but a success that left something wrong is none. */
export function exitCodeOfShow({ snapshot, report }: Ended): ExitCode {
  if (report === undefined) return ExitCode.INTERRUPTED;
  return failsOnReport(snapshot, report) ? ExitCode.FAILED : exitCodeOf(snapshot.status);
}

/** Whether the servers are left for what an operator does next: the run rests without having ended, in a file. */
export function staysOpen(snapshot: RunSnapshot, { options, interrupted }: ShowSpec): boolean {
  return options.db !== undefined && !interrupted.aborted && !isTerminal(snapshot.status);
}

/** The bill and what an operator would be told, last why a success is none. JSON ends with the snapshot. */
export function tell({ snapshot, report }: Ended, spec: ShowSpec, { terminal }: Context): void {
  const { renderer } = spec;
  if (renderer instanceof JsonRenderer) {
    if (report !== undefined) renderer.record({ type: "report", ...report, faults: faultsOf(report) });
    renderer.rest(snapshot);
    return;
  }
  const bill = report === undefined ? [] : reportLines(snapshot, report, terminal.out.colors);
  for (const line of [...bill, ...guidance(snapshot, spec)]) terminal.out.line(line);
  if (staysOpen(snapshot, spec)) for (const line of whatNext(snapshot, spec, terminal)) terminal.out.line(line);
  if (report === undefined || !failsOnReport(snapshot, report)) return;
  terminal.out.line("");
  terminal.out.line(`exit code ${ExitCode.FAILED}: the run succeeded, but ${faultsOf(report).join("; ")}`);
}

function failsOnReport({ status }: RunSnapshot, report: PostgresReport): boolean {
  return status === "SUCCESSFUL" && faultsOf(report).length > 0;
}

/** What an operator would be told; nothing after a success that left nothing to do. */
function guidance(snapshot: RunSnapshot, spec: ShowSpec): string[] {
  if (snapshot.status === "SUCCESSFUL" && !snapshot.nodes.some(({ tolerated }) => tolerated)) return [];
  const servers = staysOpen(snapshot, spec) ? "" : " (the demo's servers end with it)";
  const told = [...explainPostgresRun(snapshot), ...explainPolardbRun(snapshot)];
  return ["", `What an operator is told${servers}:`, ...told.map((line) => `  ${line}`)];
}

function whatNext(snapshot: RunSnapshot, { options }: ShowSpec, { out }: Context["terminal"]): string[] {
  const stored = { run: snapshot.id.slice(0, 8), db: options.db ?? "", executedBy: null };
  const patience = `The servers wait ${PATIENCE_MS / 60_000} minutes for that, then they are taken down.`;
  return [...storedChoices(snapshot, stored, out.colors), patience];
}
