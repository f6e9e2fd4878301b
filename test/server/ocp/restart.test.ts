/** A server goes down in the middle of a failover and comes back on its journal's file: the same task, to its end. Over a real socket. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionDefinition } from "@belay/engine";
import { readSettings, type Site, startServer } from "@belay/server";
import { afterEach, expect, test } from "vitest";
import { ADMIN, type Clusters, clusters } from "./rig.ts";

let directory: string | undefined;
afterEach(async () => {
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

/** The failover gives up waiting when its engine goes down, as one does whose connection is closed. */
function interruptible({ site }: Clusters): Site {
  const failover = site.actions["oceanbase.failover"] as ActionDefinition;
  const run: ActionDefinition["run"] = (ctx) =>
    Promise.race([
      failover.run(ctx),
      new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
    ]);
  return { ...site, actions: { ...site.actions, "oceanbase.failover": { ...failover, run } } };
}

async function open(data: string, rig: Clusters) {
  const site = interruptible(rig);
  const settings = await readSettings({ port: 0, data, user: "admin", password: "belay-demo" }, {});
  const server = await startServer(settings, { site });
  const ask = async (method: string, path: string) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: ADMIN, "idempotency-key": "change-4711" },
    });
    return (await response.json()) as { status: number; server: string; data: Shown };
  };
  return { server, ask };
}

interface Shown {
  readonly id: number;
  readonly status: string;
  readonly prohibitRollback: boolean;
  readonly executor: string;
  readonly log: string;
  readonly subtasks: readonly { readonly id: number; readonly name: string; readonly status: string }[];
}

test("R42: the task goes on under its number, its subtasks under theirs; its log has what was before", async () => {
  directory = await mkdtemp(join(tmpdir(), "belay-ocp-"));
  const rig = clusters();
  const first = await open(directory, rig);
  const reached = rig.hold("failover");
  const started = (await first.ask("POST", "/api/v2/ob/clusters/6/failover")).data;
  await reached;
  const before = (await first.ask("GET", `/api/v2/tasks/instances/${started.id}`)).data;
  expect(before).toMatchObject({ status: "RUNNING", prohibitRollback: true, executor: "127.0.0.1" });
  await first.server.close({ keep: true });

  const second = await open(directory, rig);
  await second.server.host.engine.run(String(started.id))?.settled();
  const after = (await second.ask("GET", `/api/v1/tasks/instances/${started.id}`)).data;
  expect(after.status).toBe("SUCCESSFUL");
  const numbers = ({ subtasks }: Shown) => subtasks.map(({ id, name }) => [id, name]);
  expect(numbers(after)).toEqual(numbers(started));
  expect(rig.model.statements.filter((statement) => statement.includes("ACTIVATE"))).toHaveLength(1);
  const again = await second.ask("POST", "/api/v2/ob/clusters/6/failover");
  expect(again).toMatchObject({ status: 200, data: { id: started.id, status: "SUCCESSFUL" } });
  await second.server.close();

  const third = await open(directory, rig);
  const ended = await third.ask("GET", `/api/v2/tasks/instances/${started.id}`);
  expect(ended).toMatchObject({ status: 200, server: "127.0.0.1", data: { status: "SUCCESSFUL" } });
  expect(numbers(ended.data)).toEqual(numbers(started));
  const [sid] = started.subtasks.filter(({ name }) => name === "Mc lock ob clusters").map(({ id }) => id);
  const { data } = await third.ask("GET", `/api/v2/tasks/instances/${started.id}/subtasks/${sid}/log`);
  expect(data.log).toMatch(/^#{12}\{EXECUTE\}\{[^}]+\}#{12}\n[^\n]+ INFO done\n$/);
  await third.server.close();
});
