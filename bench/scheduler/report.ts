/**
 * What `npm run bench` prints. Owns: the tables and their words. Times of a node are of this machine, now; what is compared are the
 * ratios, taken round by round.
 */
import type { Sample } from "./contender.ts";
import { entrantOf } from "./entrants.ts";
import { BUILD, CPU, Figures, RUN, type Spread, spreadOf } from "./figures.ts";
import { added, compiling, rollback, type Verdict } from "./goals.ts";
import type { Machine } from "./machine.ts";
import type { BoutResult, Rounds } from "./measure.ts";

/** Figures of others' measurements on other machines: no ratio of this run. CPU of a node, microseconds. */
export const ELSEWHERE: readonly string[] = [
  "measured elsewhere, not in this run; CPU of a node, handlers that do nothing:",
  "  C++ Taskflow 4.1.0, one worker, 1e6 nodes     0.23 us layered, 0.03 us chain, 0.07 us wide; 256 to 363 bytes a node",
  "  OpenStack TaskFlow 5.0, serial engine         3,736 us of 100 nodes, 19,706 us of 300, building the flow included",
];

export function machineLine({ node, v8, cpu, cores, mhz, memoryGiB, loadAtStart }: Machine): string {
  const hardware = `${cpu}, ${cores} cores at ${Math.round(mhz)} MHz, ${memoryGiB} GiB`;
  return `node ${node} (V8 ${v8}), ${hardware}, load ${loadAtStart.toFixed(2)}`;
}

/** One bout. */
export function boutLines(bout: BoutResult): string[] {
  const { workload, nodes, edges, entrants } = bout;
  const head = `\n${workload}: ${count(nodes)} nodes, ${count(edges)} edges`;
  const timed = entrants.filter(({ samples }) => samples.some(({ runMs }) => runMs !== undefined));
  if (timed.length === 0) return [head, ...entrants.flatMap((one) => otherLines(bout, one))];
  const own = timed.some(({ name }) => name === "belay");
  const lines = [
    head,
    row("", ["build ns", "run ns", "CPU ns", "over the floor".padStart(26), "by CPU", own ? "Belay is faster by" : ""]),
  ];
  const figures = new Figures([bout]);
  for (const one of timed) {
    const per = (of: (sample: Sample) => number): string => perNode(spreadOf(one.samples.map(of)), nodes);
    const isFloor = one.name === "floor";
    const ratio = isFloor ? undefined : figures.ratio(workload, [one.name, "floor"]);
    const ofCpu = isFloor ? undefined : figures.ratio(workload, [one.name, "floor"], CPU);
    const faster = entrantOf(one.name).kind === "peer" ? figures.ratio(workload, [one.name, "belay"]) : undefined;
    lines.push(
      row(entrantOf(one.name).title, [
        per(BUILD),
        per(RUN),
        per(CPU),
        times(ratio).padStart(26),
        ofCpu ? `${ofCpu.median.toPrecision(3)}x` : "",
        times(faster),
      ]),
    );
    lines.push(...featureLines(figures, bout, one));
  }
  return lines;
}

/** What only a feature's row says. */
function featureLines(figures: Figures, { workload }: BoutResult, { name, facts }: Rounds): string[] {
  if (!name.startsWith("belay:")) return [];
  const more = added(figures, workload, name);
  const shown =
    more === undefined
      ? ""
      : `adds ${more.median.toFixed(0)} % of the floor (${more.min.toFixed(0)} to ${more.max.toFixed(0)})`;
  return [row("", [`${shown}; ${facts["timers"]} timers of Node, ${facts["journalRecords"]} records`])];
}

/** Entrants that time something else than a run. */
function otherLines(bout: BoutResult, { name, samples }: Rounds): string[] {
  const { workload, nodes } = bout;
  const figures = new Figures([bout]);
  const { title } = entrantOf(name);
  const names = Object.keys(samples[0] ?? {}).filter((figure) => !figure.endsWith("CpuMs"));
  const lines = names.map((figure) => {
    const spread = spreadOf(samples.map((sample) => sample[figure] ?? Number.NaN));
    if (figure.endsWith("Bytes")) return row(title, [figure, `${spread?.median.toFixed(1)} B a node`]);
    return row(title, [figure, `${perNode(spread, nodes)} ns a node`]);
  });
  if (name.startsWith("belay:rollback"))
    lines.push(row(title, ["rollback over run", times(rollback(figures, workload, name))]));
  if (name === "belay:compile") {
    for (const figure of names) {
      lines.push(
        row(title, [`${figure} over interning`, times(compiling(figures, workload, (own) => own[figure] ?? 0))]),
      );
    }
    const both = compiling(figures, workload, ({ defineMs = 0, compileMs = 0 }) => defineMs + compileMs);
    lines.push(row(title, ["defineMs + compileMs", times(both)]));
  }
  return lines;
}

/** Every goal that was measured, and how many were not. */
export function goalLines(all: readonly Verdict[]): string[] {
  const verdicts = all.filter(({ verdict }) => verdict !== "not measured");
  const missing = all.length - verdicts.length;
  const rest = missing === 0 ? [] : [`${missing} of ${all.length} goals: not measured, their workloads were not run`];
  const cells = verdicts.map(({ what, goal, measured, verdict }) => [what, goal, measured, verdict]);
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return [
    "\ngoals",
    ...cells.map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
    ...rest,
  ];
}

function row(title: string, cells: readonly string[]): string {
  return [title.padEnd(46), ...cells.map((cell) => cell.padStart(10))].join("  ").trimEnd();
}

function perNode(spread: Spread | undefined, nodes: number): string {
  return spread === undefined ? "" : count(Math.round((spread.median / nodes) * 1e6));
}

function times(spread: Spread | undefined): string {
  if (spread === undefined) return "";
  const { median, min, max } = spread;
  return `${median.toPrecision(3)}x (${min.toPrecision(3)} to ${max.toPrecision(3)})`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}
