/** Many at once: a thousand runs that wait for a person, two hundred readers of one run's events. Counts, not times. */

import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { definePlan } from "@belay/engine";
import type { BelayServer } from "@belay/server";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, endAll, serve, TOKENS } from "./rig.ts";

const PLAN = definePlan({ belay: 1, name: "approval", nodes: [{ id: "ok", action: "belay.approval" }] });
const RUNS = 1000;
const READERS = 200;
/** Requests at once. */
const AT_ONCE = 20;
const NO_LIMIT = { limits: { perMinute: 0 } } as const;

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "belay-load-"));
});
afterEach(endAll);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a server under load", () => {
  test("a thousand runs are held at once, over a restart, and each ends when its person has approved", async () => {
    const data = { ...NO_LIMIT, data: directory };
    const first = await serve({ plans: [PLAN] }, data);
    const ids = await each(Array.from({ length: RUNS }), async () => {
      const answer = await ask(first, "/v1/runs", { body: { plan: "approval" } });
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { readonly id: string }).id;
    });
    expect(new Set(ids).size).toBe(RUNS);
    expect(await count(first, "RUNNING")).toBe(RUNS);
    await first.close();
    const second = await serve({ plans: [PLAN] }, data);
    expect(await count(second, "RUNNING")).toBe(RUNS);
    await each(ids, async (id) => {
      const answer = await ask(second, `/v1/runs/${id}/approve`, { body: { node: "ok" } });
      expect(answer.status).toBe(200);
    });
    expect(await count(second, "SUCCESSFUL")).toBe(RUNS);
  });

  test("two hundred readers of a run get all of its events, and the end", async () => {
    const server = await serve({ plans: [PLAN] }, NO_LIMIT);
    const { id } = (await (await ask(server, "/v1/runs", { body: { plan: "approval" } })).json()) as { id: string };
    const readers = Array.from({ length: READERS }, () => read(server, id));
    await Promise.all(readers.map(({ opened }) => opened));
    await ask(server, `/v1/runs/${id}/approve`, { body: { node: "ok" } });
    const texts = await Promise.all(readers.map(({ text }) => text));
    expect(new Set(texts).size).toBe(1);
    expect([...(texts[0] ?? "").matchAll(/^event: (.+)$/gm)].map(([, name]) => name)).toEqual([
      "snapshot",
      "node:approved",
      "node:succeeded",
      "run:succeeded",
    ]);
  });
});

/** Does it for each, some at once; the answers in order. */
async function each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

async function count(server: BelayServer, status: string): Promise<number> {
  let [found, cursor] = [0, ""];
  do {
    const answer = await ask(server, `/v1/runs?status=${status}&limit=200${cursor}`);
    const { runs, nextCursor } = (await answer.json()) as { runs: unknown[]; nextCursor: string | null };
    found += runs.length;
    cursor = nextCursor === null ? "" : `&cursor=${nextCursor}`;
  } while (cursor !== "");
  return found;
}

/** `opened`: the first bytes are there. `text`: all of it, once the stream has ended. */
function read({ url }: BelayServer, id: string): { readonly opened: Promise<void>; readonly text: Promise<string> } {
  const parts = { opened: (): void => undefined };
  const opened = new Promise<void>((resolve) => {
    parts.opened = resolve;
  });
  const text = new Promise<string>((resolve, reject) => {
    const headers = { authorization: `Bearer ${TOKENS.viewer}` };
    get(`${url}/v1/runs/${id}/events`, { headers, agent: false }, (response) => {
      let all = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        all += chunk;
        parts.opened();
      });
      response.on("end", () => resolve(all));
    }).on("error", reject);
  });
  return { opened, text };
}
