/** A run that only waits for a person or a message, in a process without a terminal (R15, R37): the process waits with it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { belay, type Finished, type Started, startBelay } from "./command.ts";

const PLAN = `
belay: 1
name: asks
nodes:
  - { id: ask, action: belay.approval }
  - { id: told, action: belay.signal, upstreams: [ask] }
`;

let folder: string;
let plan: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-waiting-"));
  plan = join(folder, "asks.yaml");
  await writeFile(plan, PLAN);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const running: Started[] = [];

function started(...words: string[]): Started {
  const one = startBelay(...words);
  running.push(one);
  return one;
}

afterEach(async () => {
  for (const { child, finished } of running.splice(0)) {
    child.kill("SIGKILL");
    await finished;
  }
});

/** Approves and tells, each from a process of its own, and waits for the first process. */
async function answered(db: string, waiting: Started, asks: RegExp): Promise<Finished> {
  await waiting.until(asks);
  expect(await belay("approve", "--latest", "ask", "--who", "ada", "--db", db)).toMatchObject({ code: 0, stderr: "" });
  await waiting.until(/told: started/);
  expect(await belay("signal", "--latest", "told", "--who", "ada", "--db", db)).toMatchObject({ code: 0, stderr: "" });
  return await waiting.finished;
}

test("R37: belay run waits for an approval and a message from elsewhere, and ends well", {
  timeout: 60_000,
}, async () => {
  const db = join(folder, "run.db");
  const { code, stdout, stderr } = await answered(db, started("run", plan, "--db", db), /ask: started/);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/SUCCESSFUL after /);
});

test("R37, R42: belay recover waits as well", { timeout: 60_000 }, async () => {
  const db = join(folder, "recover.db");
  const killed = started("run", plan, "--db", db);
  await killed.until(/ask: started/);
  killed.child.kill("SIGKILL");
  await killed.finished;
  const { code, stderr } = await answered(
    db,
    started("recover", "--db", db),
    /taken up where it waits: ask \(approval\)/,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
