/**
 * The demo on real PostgreSQL servers, killed with SIGKILL at drawn moments and taken up by `belay recover`, which may be
 * killed as well: it ends well every time, with one writer, equal servers and every acknowledged row. `BELAY_KILLS=50` kills
 * more often; `BELAY_KILL_SEED` plays the moments of one seed again.
 */
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { serverProcesses } from "../../packages/failover-plans/src/embedded-postgres/process-table.ts";
import { type Started, startBelayWith } from "../cli/command.ts";
import { drawsFrom, hasServers } from "./draws.ts";

const { BELAY_KILLS } = process.env;
const KILLS = Number(BELAY_KILLS ?? 5);
const SEED = Number(process.env["BELAY_KILL_SEED"] ?? 1);
/** Lines that the demo writes from the beginning of its run to its end, about. */
const LINES = 46;
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
  readonly seed: number;
  readonly demo: Moment;
  /** Of the process that recovers first; null: it lives. */
  readonly recovery: Moment | null;
}

/** The moments of the demo are spread over its run; each third recovery is killed as well. */
const lives: readonly Life[] = Array.from({ length: KILLS }, (_, index) => {
  const draw = drawsFrom(SEED * 1000 + index);
  const demo = {
    lines: 1 + Math.floor(((index + draw()) * LINES) / KILLS),
    delayMs: Math.floor(draw() * MOST_DELAY_MS),
  };
  const recovery = { lines: Math.floor(draw() * 12), delayMs: Math.floor(draw() * MOST_DELAY_MS) };
  return { seed: SEED * 1000 + index, demo, recovery: index % 3 === 2 ? recovery : null };
});

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A command whose own files, and servers, are below a folder of the test's. */
async function place(): Promise<{ folder: string; db: string; belay: (...words: string[]) => Started }> {
  const folder = await mkdtemp(join(tmpdir(), "belay-kill-"));
  folders.push(folder);
  // Root's servers run as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const db = join(folder, "runs.db");
  return { folder, db, belay: (...words) => startBelayWith({ TMPDIR: folder }, ...words, "--db", db) };
}

/** Kills the process at its moment; false when it ended before that. */
async function kill({ child, untilLines, finished }: Started, { lines, delayMs }: Moment): Promise<boolean> {
  await untilLines(lines);
  await sleep(delayMs);
  child.kill("SIGKILL");
  return (await finished).code === null;
}

function jsonLines(stdout: string): readonly Record<string, unknown>[] {
  return stdout
    .split("\n")
    .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Record<string, unknown>] : []));
}

describe.skipIf(!hasServers())("R42: the demo, killed and taken up again", () => {
  test.each(lives)(
    "ends well: seed $seed, $demo.lines lines and $demo.delayMs ms",
    { timeout: PATIENCE_MS },
    async (life) => {
      const { folder, db, belay } = await place();
      const demo = belay("demo", "postgres-failover", "--json");
      const isKilled = await kill(demo, life.demo);
      let end = await demo.finished;
      if (isKilled) {
        if (life.recovery !== null) await kill(belay("recover", "--json"), life.recovery);
        const recovery = belay("recover", "--json");
        end = await recovery.finished;
      }
      const told = jsonLines(end.stdout);
      const [listed] = jsonLines((await belay("runs", "--json").finished).stdout);
      expect(listed, end.stderr).toMatchObject({
        planName: "postgres-failover",
        status: "SUCCESSFUL",
        ended: true,
        locks: [],
      });
      // A run that had ended, and whose servers had been put away before the kill, is not told of again.
      if (told.length > 0) {
        const report = told.find(({ type }) => type === "report");
        expect(report, end.stdout + end.stderr).toMatchObject({ acknowledgedLost: 0, allNodesEqual: true, faults: [] });
        expect(report?.["writers"]).toHaveLength(1);
        expect(report?.["acknowledged"]).toBeGreaterThan(0);
        expect(told.at(-1)).toMatchObject({ type: "snapshot", status: "SUCCESSFUL" });
      }
      expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 0, stderr: expect.anything() });
      await untilEmpty(folder);
      expect((await readdir(folder)).filter((name) => !name.startsWith("runs.db"))).toEqual([]);
      expect(db).toBe(join(folder, "runs.db"));
    },
  );
});

/** The last thing that a killed process told. */
function _lastEvent(stdout: string): string {
  const last = jsonLines(stdout.slice(0, stdout.lastIndexOf("\n") + 1)).at(-1) ?? { type: "nothing" };
  return `${String(last["nodeId"] ?? "")} ${String(last["type"])}`.trim();
}

/** The last process may have been killed between its last word and its watchdog's: bounded. */
async function untilEmpty(folder: string): Promise<void> {
  for (let n = 0; n < 250; n++) {
    const left = (await readdir(folder)).filter((name) => !name.startsWith("runs.db"));
    if (left.length === 0 && serverProcesses(folder).length === 0) return;
    await sleep(20);
  }
}
