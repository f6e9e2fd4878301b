/**
 * The bill of a demo on real servers, PostgreSQL or MariaDB: what the clients noticed, what was lost, how long each step took. Pure.
 * Owns: the verdict too; a run may end well and still have lost something.
 */
import type { NodeSnapshot, RunSnapshot } from "@belay/engine";
import type { WorkloadReport } from "@belay/failover-plans/embedded-postgres";
import type { Colors } from "../output.ts";
import { duration, fitLeft, fitRight } from "../render/text.ts";

/** What the writers found out. */
export type PostgresReport = WorkloadReport;

/** What is wrong although the run may have ended well: lost rows, not exactly one writer, unequal servers. Empty when all is sound. */
export function faultsOf({ acknowledgedLost, writers, allNodesEqual, rows }: PostgresReport): string[] {
  const faults: string[] = [];
  if (acknowledgedLost === null) faults.push("no server could be read");
  else if (acknowledgedLost > 0) faults.push(`${acknowledgedLost} acknowledged rows are lost`);
  if (writers.length !== 1) faults.push(writersPhrase(writers));
  const silent = Object.keys(rows).filter((name) => rows[name] === null);
  if (silent.length > 0) faults.push(`the servers are not equal, ${silent.join(", ")} without an answer`);
  else if (!allNodesEqual) faults.push("the servers do not hold the same rows");
  return faults;
}

function writersPhrase(writers: readonly string[]): string {
  if (writers.length === 0) return "no server takes writes";
  return writers.length === 1 ? `${writers[0]} takes writes` : `${writers.length} servers take writes`;
}

const LABEL_COLUMNS = 22;

/** The report's lines, without line ends. */
export function reportLines(snapshot: RunSnapshot, report: PostgresReport, colors: Colors): string[] {
  const verdict = (good: boolean, text: string): string => (good ? colors.green(text) : colors.red(text));
  const line = (label: string, text: string): string => `  ${fitLeft(label, LABEL_COLUMNS)} ${text}`;
  const rows = Object.entries(report.rows).map(([name, count]) => `${name} ${count === null ? "no answer" : count}`);
  const lines = [
    "",
    colors.bold("Report"),
    line("writes unavailable", gapText(report)),
    line("rows acknowledged", String(report.acknowledged)),
    line("acknowledged lost", verdict(report.acknowledgedLost === 0, lossText(report))),
    line("errors, yet present", `${report.unacknowledgedButPresent} (the client saw an error, the row is there)`),
    line("servers taking writes", verdict(report.writers.length === 1, writersText(report.writers))),
    line(
      "all servers equal",
      `${verdict(report.allNodesEqual, report.allNodesEqual ? "yes" : "NO")} (${rows.join(", ")})`,
    ),
  ];
  const rejoined = rejoinText(snapshot, report);
  if (rejoined !== undefined) lines.push(line("old primary", rejoined));
  return [...lines, ...stepLines(snapshot, colors)];
}

function gapText({ unavailabilityMs, writesResumed, clientsGoneMs }: PostgresReport): string {
  const gone = clientsGoneMs === 0 ? "" : `, and ${(clientsGoneMs / 1000).toFixed(1)} s in which no client ran`;
  if (writesResumed) return `${Math.round(unavailabilityMs)} ms${gone}`;
  return `still unavailable (observed for ${(unavailabilityMs / 1000).toFixed(1)} s${gone})`;
}

/** Without one writer nobody can say yet what is lost, only what the best server lacks. */
function lossText({ acknowledged, acknowledgedLost, judgedBy, writers }: PostgresReport): string {
  if (acknowledgedLost === null) return "not known: no server could be read";
  if (writers.length === 1) return String(acknowledgedLost);
  const missing = `${acknowledgedLost} of ${acknowledged} missing on ${judgedBy}, the most advanced server`;
  return `${missing}; ${writersPhrase(writers)}`;
}

function writersText(writers: readonly string[]): string {
  if (writers.length === 1) return `1 (${writers[0]})`;
  return writers.length === 0 ? "NONE" : `${writers.length} (${writers.join(", ")}): SPLIT BRAIN`;
}

/** How the old primary came back, as the node `rejoinOld` of the plans says; undefined when it was not tried. */
function rejoinText(snapshot: RunSnapshot, { acknowledgedLost }: PostgresReport): string | undefined {
  const node = snapshot.nodes.find((one) => one.id === "rejoinOld");
  if (node === undefined || !node.started) return undefined;
  if (node.status !== "SUCCESSFUL") return `not back: ${node.error?.message ?? node.status}`;
  const output = node.output as RejoinOutput | MariadbRejoinOutput | null | undefined;
  if (output !== null && output !== undefined && "divergedTransactions" in output) return mariadbRejoinText(output);
  if (output?.mode !== "reclone") return `${output?.node ?? "it"} follows again as it was (its WAL had not diverged)`;
  // With nothing acknowledged missing on the writer, what only this server had was never acknowledged.
  const known = acknowledgedLost === 0 ? " (never acknowledged)" : "";
  const only = output.salvageable ? `, ${reportedText(output.salvageable.count, known)}` : "";
  return `${output.node} was copied anew: ${output.divergedBytes} bytes of its WAL had diverged${only}`;
}

function reportedText(count: number, known: string): string {
  return count === 1
    ? `1 row that only it had${known} was reported`
    : `${count} rows that only it had${known} were reported`;
}

function mariadbRejoinText({ node, mode, divergedTransactions }: MariadbRejoinOutput): string {
  if (mode === "direct") return `${node} follows again as it was (it had not diverged)`;
  const what =
    divergedTransactions === 1
      ? "1 transaction that only it had was"
      : `${divergedTransactions} transactions that only it had were`;
  return `${node} was copied anew: ${what} named`;
}

/** What is read of the output of `mariadb.rejoin`. */
interface MariadbRejoinOutput {
  readonly node: string;
  readonly mode: "direct" | "reclone";
  readonly divergedTransactions: number;
}

/** What is read of the output of `postgres.rejoin`. */
interface RejoinOutput {
  readonly node: string;
  readonly mode: "direct" | "reclone";
  readonly divergedBytes: number;
  readonly salvageable: { readonly count: number } | null;
}

/** Each step with its start, counted from that of the run, and how long it took. */
function stepLines(snapshot: RunSnapshot, colors: Colors): string[] {
  const began = Date.parse(snapshot.startTime);
  const steps = snapshot.nodes
    .flatMap((node) => [
      span(node.id, node),
      ...(node.compensation ? [span(`undo ${node.id}`, node.compensation)] : []),
    ])
    .filter((step) => step !== undefined)
    .toSorted((a, b) => a.from - b.from);
  const columns = Math.max(LABEL_COLUMNS, ...steps.map((step) => step.label.length));
  const head = `  ${fitLeft("step", columns)} ${fitRight("start", 8)} ${fitRight("took", 8)}`;
  const lines = steps.map(
    ({ label, from, to }) =>
      `  ${fitLeft(label, columns)} ${fitRight(`+${duration(from - began)}`, 8)} ${fitRight(`${to - from} ms`, 8)}`,
  );
  return ["", colors.dim(head), ...lines];
}

interface Step {
  readonly label: string;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

function span(
  label: string,
  { startTime, finishTime }: Pick<NodeSnapshot, "startTime" | "finishTime">,
): Step | undefined {
  if (startTime === null || finishTime === null) return undefined;
  return { label, from: Date.parse(startTime), to: Date.parse(finishTime) };
}
