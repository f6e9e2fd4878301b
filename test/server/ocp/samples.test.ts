/** Every published answer with a task against what this API answers: the same names of fields, in the same places. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusters, type OcpServer, ocpServer } from "./rig.ts";

const SAMPLES = new URL("../../../../shared/data/ocp-samples/", import.meta.url);
const files = existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((file) => file.endsWith(".json")) : [];

/** Published, and not shown: there is nothing like it here. */
const NOT_SHOWN = {
  task: ["context", "tenant", "tenantId", "hostId"],
  subtask: ["className"],
};

type Fields = Readonly<Record<string, unknown>>;

let server: OcpServer;
const shown = {
  envelope: new Set<string>(),
  task: new Set<string>(),
  subtask: new Set<string>(),
  page: new Set<string>(),
};

beforeAll(async () => {
  server = await ocpServer({ clusters: clusters() });
  const { body, data } = await server.post("/api/v2/ob/clusters/6/failover");
  await server.rest(data.id);
  const wrapped = (await server.get(`/api/v2/tasks/instances/${data.id}`)).data;
  const list = (await server.get("/api/v2/tasks/instances")).data;
  for (const key of Object.keys(body)) shown.envelope.add(key);
  for (const key of Object.keys(list.page)) shown.page.add(key);
  for (const task of [data, wrapped, ...list.contents]) {
    for (const key of Object.keys(task)) shown.task.add(key);
    for (const subtask of task.subtasks) for (const key of Object.keys(subtask)) shown.subtask.add(key);
  }
});
afterAll(async () => await server.close());

describe.skipIf(files.length === 0)("published answers; skipped where the data are not beside the checkout", () => {
  test.for(files)("%s has no field that is not shown here", (file) => {
    const answer = JSON.parse(readFileSync(new URL(file, SAMPLES), "utf8")) as Fields & { data: Fields };
    expect(unknown(answer, shown.envelope)).toEqual([]);
    const { data } = answer;
    expect(unknown(Object(data["page"]), shown.page)).toEqual([]);
    const tasks = (data["contents"] ?? [data]) as readonly Fields[];
    for (const task of tasks) {
      // The older form calls them tasks.
      const subtasks = (task["subtasks"] ?? task["tasks"] ?? [task]) as readonly Fields[];
      const isTask = subtasks[0] !== task;
      if (isTask) expect(unknown(task, shown.task, ["tasks", ...NOT_SHOWN.task])).toEqual([]);
      for (const subtask of subtasks) expect(unknown(subtask, shown.subtask, NOT_SHOWN.subtask)).toEqual([]);
    }
  });
});

function unknown(fields: Fields, known: ReadonlySet<string>, more: readonly string[] = []): string[] {
  return Object.keys(fields).filter((key) => !known.has(key) && !more.includes(key));
}
