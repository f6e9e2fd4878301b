/**
 * Real processes killed with SIGKILL, again and again, on a real database file (T7; R39, R42, R43, R45). KILLS sets how many;
 * KILL_SEED from which seed. The moment of death is drawn: any call, effect, append or acknowledgement.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteReader } from "@belay/engine/sqlite";
import { afterAll, expect, test } from "vitest";

const KILLS = Number(process.env["KILLS"] ?? 40);
const SEED = Number(process.env["KILL_SEED"] ?? 20_261_126);
const base = mkdtempSync(join(tmpdir(), "belay-kill-"));
const CHILD = new URL("./killed-process.ts", import.meta.url).pathname;

afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A whole number from 0 on below `limit`. */
function draw(seed: number, limit: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) % limit;
}

/** One life: killed, or ended by itself. */
function live(folder: string, seed: number, point: number): Promise<"killed" | "ended"> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, folder, String(seed), String(point)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve("killed");
      else if (code === 0) resolve("ended");
      else reject(new Error(`seed ${seed}, point ${point}: the process ended with ${code ?? signal}\n${errors}`));
    });
  });
}

const NATURES: Readonly<Record<string, string>> = { 0: "asked", 1: "again", 2: "neither" };

/** What recovery may ask of the action of that attempt. */
function natureOf(key: string): string {
  const [, id = ""] = /^[^/]+(?:\/sub\/\d+)?\/([^/]+)\//.exec(key) ?? [];
  if (key.includes("/undo/")) return "asked";
  if (/^n\d$/.test(id)) return NATURES[Number(id.slice(1)) % 3] as string;
  if (id.startsWith("g") || id === "t") return "again";
  return id.startsWith("s[") ? "neither" : "asked";
}

/** What is wrong with a story of many lives; empty = nothing. */
function faultsOf(folder: string): string[] {
  const lines = readFileSync(join(folder, "log"), "utf8").split("\n").slice(0, -1);
  const faults: string[] = [];
  const acked = new Set<string>();
  const counts = new Map<string, number>();
  const journal = openSqliteReader(join(folder, "belay.db"));
  const summaries = journal.list();
  const requests = new Set<string>();
  for (const { runId, ended } of summaries) {
    if (!ended) faults.push(`run ${runId} has not ended`);
    for (const { payload } of journal.read(runId)?.records ?? [])
      if (typeof payload === "object" && payload !== null && "requestId" in payload)
        requests.add(String(payload["requestId"]));
  }
  journal.close();
  for (const line of lines) {
    const [kind, what, ...rest] = line.split(" ");
    if (kind === "ack" && what === "start" && !summaries.some(({ runId }) => runId === rest[0]))
      faults.push(`lost: ${line}`);
    else if (kind === "ack" && what === "verb" && !requests.has(rest[1] as string)) faults.push(`lost: ${line}`);
    else if (kind === "ack") acked.add(rest[0] as string);
    else {
      counts.set(line, (counts.get(line) ?? 0) + 1);
      if (kind === "call" && acked.has(what as string)) faults.push(`called after its end was acknowledged: ${what}`);
    }
  }
  for (const [line, count] of counts) {
    const [kind, key = ""] = line.split(" ");
    const nature = natureOf(key);
    if (kind === "effect" && count > 1 && nature !== "again") faults.push(`${count} effects of ${key}`);
    if (kind === "call" && count > 1 && nature === "neither")
      faults.push(`${count} calls of ${key}, which may not be repeated`);
  }
  return faults;
}

test(`R39, R42, R43, R45: after ${KILLS} kills nothing acknowledged is lost, and nothing that had ended has run again`, {
  timeout: 60_000 + KILLS * 2_000,
}, async () => {
  let kills = 0;
  let lives = 0;
  let stories = 0;
  /** A few deaths, then it is left alone until its end. */
  const story = async (seed: number): Promise<void> => {
    const folder = mkdtempSync(join(base, "story-"));
    for (let deaths = 0; deaths < 8 && kills < KILLS; deaths++) {
      kills++;
      if ((await live(folder, seed, 1 + draw(SEED + lives++, 90))) === "killed") continue;
      kills--;
      break;
    }
    expect(await live(folder, seed, 0)).toBe("ended");
    expect(faultsOf(folder), `seed ${seed}`).toEqual([]);
    rmSync(folder, { recursive: true });
  };
  const teller = async (): Promise<void> => {
    while (kills < KILLS) await story(SEED + stories++);
  };
  await Promise.all([teller(), teller()]);
  expect(kills).toBe(KILLS);
  expect(stories).toBeGreaterThan(KILLS / 10);
});
