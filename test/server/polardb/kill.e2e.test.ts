/**
 * Case 22: `belay serve --demo` is killed with SIGKILL at a drawn moment after it has acknowledged a failover, and started again on
 * the same data: the failover ends, the token still has its RequestId, exactly one server takes writes. In every third round it is killed
 * without waiting for the answer: the client repeats its request. KILL_ROUNDS, KILL_SEED and KILL_LATEST_MS say how often, with
 * which draws, and how late.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Started, startBelay } from "../../cli/command.ts";
import { askServers, endServers, openDirectory, type ServerSaid } from "./real-servers.ts";
import { type Answered, call, type Words } from "./signer.ts";

const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 3);
const SEED = Number(process.env["KILL_SEED"] ?? 22);
/** Most failovers take longer: the server dies in the middle. */
const LATEST_MS = Number(process.env["KILL_LATEST_MS"] ?? 300);
const CLUSTERS = ["pc-demomysql", "pc-demopostgres"] as const;
const ROUND_TIMEOUT_MS = 120_000;
const START_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

let directory: string;
let started: Started | undefined;
let url: string;

beforeAll(async () => {
  directory = await openDirectory();
  await start();
}, START_TIMEOUT_MS);
afterAll(async () => {
  started?.child.kill("SIGKILL");
  await started?.finished;
  // Servers on a data directory wait for the next process: here it comes, and ends them.
  for (const cluster of CLUSTERS) await endServers(join(directory, cluster)).catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
}, START_TIMEOUT_MS);

async function start(): Promise<void> {
  started = startBelay("serve", "--demo", "--data", directory, "--port", "0", "--switch-interval", "0");
  const said = await started.until(/belay listens on http\S+\n/);
  url = /http\S+/.exec(said)?.[0] ?? "";
}

async function kill(): Promise<void> {
  started?.child.kill("SIGKILL");
  await started?.finished;
}

const ask = (Action: string, words: Words): Promise<Answered> => call(url, { Action, Format: "JSON", ...words });

interface Shown {
  readonly DBClusterStatus: string;
  readonly DBNodes: readonly { readonly DBNodeId: string; readonly DBNodeRole: string }[];
}

async function shown(cluster: string): Promise<Shown> {
  const { fields } = await ask("DescribeDBClusterAttribute", { DBClusterId: cluster });
  return fields as unknown as Shown;
}

/** The cluster once it is no longer Switching. */
async function atRest(cluster: string): Promise<Shown> {
  const deadline = performance.now() + ROUND_TIMEOUT_MS / 2;
  for (;;) {
    const found = await shown(cluster);
    if (found.DBClusterStatus !== "Switching" || performance.now() > deadline) return found;
    await sleep(POLL_MS);
  }
}

async function writerOf(cluster: string): Promise<ServerSaid> {
  const writers = (await askServers(join(directory, cluster))).filter(({ writes }) => writes);
  expect(writers.map(({ name }) => name)).toHaveLength(1);
  return writers[0] as ServerSaid;
}

const moments = fc.sample(fc.noBias(fc.integer({ min: 0, max: LATEST_MS })), { numRuns: ROUNDS, seed: SEED });

test.each(moments.map((afterMs, index) => [index + 1, afterMs] as const))(
  `R42, R43: round %i of ${ROUNDS}, seed ${SEED}: killed after %i ms, the server goes on where it was`,
  async (round, afterMs) => {
    const cluster = CLUSTERS[round % CLUSTERS.length] ?? CLUSTERS[0];
    const before = await writerOf(cluster);
    const target = (await shown(cluster)).DBNodes.find(({ DBNodeRole }) => DBNodeRole === "Reader")?.DBNodeId ?? "";
    const words = { DBClusterId: cluster, TargetDBNodeId: target, ClientToken: `round ${round}` };
    const asked = ask("FailoverDBCluster", words);
    // A server that is gone answers nobody: then the first answer is the one after the restart.
    const answered = asked.catch(() => undefined);
    if (round % 3 !== 0) expect((await asked).status).toBe(200);
    await sleep(afterMs);
    await kill();
    const early = await answered;
    await start();
    const first = await ask("FailoverDBCluster", words);
    expect(first.status, first.text).toBe(200);
    if (early !== undefined) expect(first.fields).toEqual(early.fields);
    const found = await atRest(cluster);
    const after = await writerOf(cluster);
    expect(found.DBClusterStatus).toBe("Running");
    expect(found.DBNodes.filter(({ DBNodeRole }) => DBNodeRole === "Writer")).toMatchObject([{ DBNodeId: target }]);
    expect([after.name, after.timeline]).toEqual([`pg${target.at(-1)}`, before.timeline + 1]);
    const logs = await ask("DescribeHALogs", { DBClusterId: cluster, LogType: "HaSwitchLogList" });
    expect(logs.fields["TotalRecords"]).toBe(Math.ceil((round + (cluster === CLUSTERS[0] ? 0 : 1)) / 2));
    expect((await ask("FailoverDBCluster", words)).fields).toEqual(first.fields);
    expect((await ask("FailoverDBCluster", { ...words, RollBackForDisaster: "true" })).fields["Code"]).toBe(
      "IdempotentParameterMismatch",
    );
  },
  ROUND_TIMEOUT_MS,
);
