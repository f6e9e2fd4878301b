/**
 * More than 20,000 drawn requests to one server: none is answered with an error of ours, each in the envelope of its surface, and what the
 * server keeps stays bounded. A failure prints the seed and the smallest request that still fails.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENVELOPES } from "./fuzz/envelopes.ts";
import { type DrawnRequest, drawnRequest, KNOWN_RUNS } from "./fuzz/requests.ts";
import { createRig, type Rig } from "./native/rig.ts";

/** How many are drawn; the first quarter fills caches before memory is looked at. */
const REQUESTS = 21_000;
/** Growth of the heap that the caches and the kept runs of so many requests explain. */
const MOST_GROWTH_BYTES = 48 * 2 ** 20;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

let rig: Rig;
beforeAll(async () => {
  rig = await createRig({ limits: { bodyBytes: 65_536, perMinute: 0 } });
});
afterAll(async () => await rig.close());

let asked = 0;
const statuses = new Map<number, number>();

async function ask({ method, url, headers, body, remoteAddress }: DrawnRequest): Promise<void> {
  const answer = await rig.app.inject({
    method: method as "GET",
    url,
    headers,
    remoteAddress,
    ...(body === undefined ? {} : { payload: body }),
  });
  asked += 1;
  statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
  expect(answer.statusCode, `${method} ${url}: ${answer.body}`).toBeLessThan(500);
  expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  if (method === "HEAD") return;
  // What came to the server: "/." is "/" by then.
  const [path = "/"] = (answer.raw.req.url ?? "/").split("?", 1);
  const owner = rig.surfaces.find((surface) => surface.owns(path)) ?? rig.surfaces.at(-1);
  ENVELOPES[owner!.name]({ status: answer.statusCode, headers: answer.headers, text: answer.body });
}

/** Starts the runs that requests name: two whose step waits, one that waits for people, one that has ended. */
async function prepare(): Promise<void> {
  const asker = {
    principal: { name: "adam", role: "admin" },
    surface: "native",
    remote: null,
    requestId: null,
  } as const;
  for (const runId of KNOWN_RUNS) {
    const isSteps = runId === "known-1" || runId === "known-2";
    const params = isSteps ? { params: { name: runId } } : {};
    await rig.host.start(rig.host.plan(isSteps ? "steps" : "approval"), { runId, ...params }, asker);
  }
  await rig.host.verb("known-4", { verb: "cancel" }, asker);
  await rig.host.engine.run("known-4")?.settled();
  await rig.host.verb("known-4", { verb: "abandon" }, asker);
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test("no request brings the server down, out of its envelope, or to grow without bounds", {
  timeout: 180_000,
}, async () => {
  await prepare();
  const askMany = async (count: number): Promise<void> =>
    await fc.assert(fc.asyncProperty(drawnRequest, ask), { numRuns: count });
  await askMany(REQUESTS / 4);
  const before = heapBytes();
  await askMany((REQUESTS * 3) / 4);
  const grown = heapBytes() - before;
  expect(asked).toBeGreaterThanOrEqual(20_000);
  expect(rig.faults).toEqual([]);
  // It was not only turned away at the door.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 401, 403, 404, 409, 413, 415, 421, 422]));
  expect(grown).toBeLessThan(MOST_GROWTH_BYTES);
  // Four client tokens, three names and two clusters make few runs, whatever is asked.
  expect(rig.host.engine.runs().length).toBeLessThan(2000);
});
