/**
 * The demos on real PostgreSQL servers, killed with SIGKILL at drawn moments and taken up by `belay recover`, which may be
 * killed as well: they end well every time, with one writer, equal servers and every acknowledged row (T12). `BELAY_KILLS=50`
 * kills each more often; `BELAY_KILL_SEED` plays the moments of one seed again; `BELAY_KILL_DEMO` names one demo.
 */
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { serverProcesses } from "../../packages/failover-plans/src/local-servers/process-table.ts";
import { type Finished, type Started, startBelayWith } from "../cli/command.ts";
import { drawsFrom, hasServers } from "./draws.ts";

const { BELAY_KILLS, BELAY_KILL_DEMO } = process.env;
const SEED = Number(process.env["BELAY_KILL_SEED"] ?? 1);
/** By demo: kills, and the lines that it writes from the beginning of its run to its end, about. */
const DEMOS: Readonly<Record<string, { readonly kills: number; readonly lines: number }>> = {
  "postgres-failover": { kills: 3, lines: 46 },
  "postgres-switchover": { kills: 1, lines: 40 },
};
/** After a line, so that actions are hit in their midst. */
const MOST_DELAY_MS = 500;
/** A cluster, half a run, another process and its end, on a busy machine. */
const PATIENCE_MS = 180_000;

/** When a process is killed: so long after so many lines. */
interface Moment {
  readonly lines: number;
  readonly delayMs: number;
}

interface Life {
  readonly name: string;
  readonly seed: number;
  readonly demo: Moment;
  /** Of the process that recovers first; null: it lives. */
  readonly recovery: Moment | null;
}

/** The moments of a demo are spread over its run; each third recovery is killed as well. */
const lives: readonly Life[] = Object.entries(DEMOS)
  .filter(([name]) => BELAY_KILL_DEMO === undefined || name === BELAY_KILL_DEMO)
  .flatMap(([name, { kills, lines }]) => {
    const count = Number(BELAY_KILLS ?? kills);
    return Array.from({ length: count }, (_, index) => {
      const draw = drawsFrom(SEED * 1000 + index);
      const demo = {
        lines: 1 + Math.floor(((index + draw()) * lines) / count),
        delayMs: Math.floor(draw() * MOST_DELAY_MS),
      };
      const recovery = { lines: Math.floor(draw() * 12), delayMs: Math.floor(draw() * MOST_DELAY_MS) };
      return { name, seed: SEED * 1000 + index, demo, recovery: index % 3 === 2 ? recovery : null };
    });
  });

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A command whose own files, and servers, are below a folder of the test's. */
async function place(): Promise<{ folder: string; belay: (...words: string[]) => Started }> {
  const folder = await mkdtemp(join(tmpdir(), "belay-kill-"));
  folders.push(folder);
  // Root's servers run as another user, who must be able to enter.
  await chmod(folder, 0o755);
  return { folder, belay: (...words) => startBelayWith({ TMPDIR: folder }, ...words, "--db", join(folder, "runs.db")) };
}

describe.skipIf(!hasServers())("R42: a demo, killed and taken up again", () => {
  test.each(lives)(
    "ends well: $name, seed $seed, $demo.lines lines and $demo.delayMs ms",
    { timeout: PATIENCE_MS },
    async (one) => {
      const { folder, belay } = await place();
      const { end, told, story } = await live(one, belay);
      expect(end.code, `${story}\n${end.stdout}${end.stderr}`).toBe(0);
      const [listed] = jsonLines((await belay("runs", "--json").finished).stdout);
      expect(listed, story).toMatchObject({
        planName: one.name,
        status: "SUCCESSFUL",
        ended: true,
        locks: [],
      });
      // A process that told the end, and was killed when all that was left was to put the servers away, is not repeated.
      const reports = told.filter(({ type }) => type === "report");
      expect(reports.length, story).toBeGreaterThan(0);
      for (const report of reports) {
        expect(report, story).toMatchObject({ acknowledgedLost: 0, allNodesEqual: true, faults: [] });
        expect(report["writers"]).toHaveLength(1);
        expect(report["acknowledged"]).toBeGreaterThan(0);
      }
      expect(await leftIn(folder), story).toEqual([]);
    },
  );
});

interface Lived {
  /** Of the last process. */
  readonly end: Finished;
  /** What all of them told. */
  readonly told: readonly Record<string, unknown>[];
  readonly story: string;
}

/** The demo, killed at its moment, then the processes that take it up, the first of which may be killed as well. */
async function live({ name, seed, demo, recovery }: Life, belay: (...words: string[]) => Started): Promise<Lived> {
  const processes = [await killed(belay("demo", name, "--json"), demo)];
  if (processes[0]?.code === null && recovery !== null)
    processes.push(await killed(belay("recover", "--json"), recovery));
  if (processes.at(-1)?.code === null) processes.push(await belay("recover", "--json").finished);
  const story = processes.map(
    ({ code, stdout }) => `${code === null ? "killed" : `exit ${code}`} after ${last(stdout)}`,
  );
  return {
    end: processes.at(-1) as Finished,
    told: processes.flatMap(({ stdout }) => jsonLines(stdout)),
    story: `seed ${seed}: ${story.join(", ")}`,
  };
}

/** Kills the process at its moment, unless it ends before that: its code tells. */
async function killed({ child, untilLines, finished }: Started, { lines, delayMs }: Moment): Promise<Finished> {
  await untilLines(lines);
  await sleep(delayMs);
  child.kill("SIGKILL");
  return await finished;
}

/** A line that was being written when its process was killed is none. */
function jsonLines(stdout: string): readonly Record<string, unknown>[] {
  const whole = stdout.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The last thing that a process told. */
function last(stdout: string): string {
  const { type, nodeId = "" } = jsonLines(stdout).at(-1) ?? { type: "nothing" };
  return `${String(nodeId)} ${String(type)}`.trim();
}

/** What is left beside the journal: a process may have been killed between its last word and its watchdog's. Bounded. */
async function leftIn(folder: string): Promise<readonly string[]> {
  for (let looks = 0; ; looks++) {
    const left = (await readdir(folder)).filter((name) => !/^runs\.db(-owner|-wal|-shm)?$/.test(name));
    const servers = serverProcesses(folder).map((pid) => `process ${pid}`);
    if (left.length + servers.length === 0 || looks === 500) return [...left, ...servers];
    await sleep(20);
  }
}
