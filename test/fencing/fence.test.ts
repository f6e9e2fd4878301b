/**
 * Fences behind a program and behind an API: what counts as down, who may give an order, and what is not known is not down. The programs
 * and the API are real ones, made here: a script that keeps its state in a file, a server on loopback.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionContext } from "@belay/engine";
import {
  commandFence,
  type Fence,
  fencedControl,
  httpFence,
  type NodeControl,
  postgresActions,
} from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

let directory = "";
let script = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "belay-fence-"));
  script = join(directory, "fence.mjs");
  // As it would stand on a host: remembers the highest epoch it has obeyed.
  await writeFile(
    script,
    `#!${process.execPath}
import { existsSync, readFileSync, writeFileSync } from "node:fs";
const [verb, node, epoch = "0"] = process.argv.slice(2);
const file = ${JSON.stringify(directory)} + "/" + node + ".json";
const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { state: "running", epoch: 0 };
if (verb === "state") console.log(known.state);
else if (Number(epoch) < known.epoch) { console.error("epoch " + known.epoch + " was here"); process.exit(3); }
else if (node === "stuck") process.exit(1);
else if (node === "hung") setInterval(() => {}, 1000);
else writeFileSync(file, JSON.stringify({ state: node === "zombie" ? "running" : "stopped", epoch: Number(epoch) }));
`,
  );
  await chmod(script, 0o755);
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const target = (node: string, epoch = 1) => ({ node, host: "127.0.0.1", epoch });

describe("a fence behind a program", () => {
  const fence = (timeoutMs = 20_000): Fence =>
    commandFence({ fence: [script, "fence", "{node}", "{epoch}"], state: [script, "state", "{node}"], timeoutMs });

  test("F1: the node is down once the program says so, and again when asked twice", async () => {
    expect(await fence().state(target("one"))).toBe("running");
    await fence().fence(target("one", 4));
    await fence().fence(target("one", 4));
    expect(await fence().state(target("one"))).toBe("stopped");
    expect(JSON.parse(await readFile(join(directory, "one.json"), "utf8"))).toEqual({ state: "stopped", epoch: 4 });
  });

  test("F2: STALE_EPOCH: an order of an overtaken run is refused for good", async () => {
    await fence().fence(target("two", 9));
    await expect(fence().fence(target("two", 8))).rejects.toMatchObject({
      code: "STALE_EPOCH",
      message: expect.stringContaining("epoch 9 was here"),
    });
  });

  test("a program that fails, hangs or is missing says which, and may be tried again", async () => {
    await expect(fence().fence(target("stuck"))).rejects.toThrow(/fencing stuck: .*fence.mjs ended with 1/);
    await expect(fence(300).fence(target("hung"))).rejects.toThrow(/ended with a timeout of 300 ms/);
    const missing = commandFence({ fence: ["/no/such/program"], state: ["/no/such/program"] });
    await expect(missing.fence(target("one"))).rejects.toThrow(/ended with ENOENT/);
    await expect(missing.state(target("one"))).rejects.toThrow(/whether one runs is not known/);
  });

  test("a word that is neither running nor stopped is not known, which is not stopped", async () => {
    const vague = commandFence({ fence: ["true"], state: ["echo", "probably"] });
    await expect(vague.state(target("one"))).rejects.toThrow(/not known: echo ended with 0 and said "probably"/);
  });

  test("an address of IPv6 is a word like any other", async () => {
    const echo = commandFence({ fence: ["true"], state: [process.execPath, "-e", "console.log('running')", "{host}"] });
    expect(await echo.state({ node: "one", host: "::1", epoch: 1 })).toBe("running");
  });

  test.each([0, -1, Number.NaN])("a program without a limit is refused at once: %d ms", (timeoutMs) => {
    expect(() => commandFence({ fence: ["a"], state: ["b"], timeoutMs })).toThrow(/needs a timeout above 0/);
  });

  test("no name becomes a word of somebody's shell, and no command is empty", async () => {
    for (const node of ["a; reboot", "$(reboot)", "-oProxyCommand=x", "a b", ""]) {
      await expect(fence().fence(target(node))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(() => commandFence({ fence: [], state: ["true"] })).toThrow(/"fence" is empty/);
    expect(() => commandFence({ fence: ["x", "--epoch={epohc}"], state: ["true"] })).toThrow(
      '"fence" has {epohc}, which stands for nothing: {node}, {host}, {epoch} do',
    );
  });
});

describe("a fence behind an API", () => {
  let server: Server;
  let baseUrl = "";
  let looks = 0;
  const orders: unknown[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      if (request.headers.authorization !== "Bearer a token") return answer(401, { message: "who are you" });
      if (request.url === "/nodes/gone") return answer(404, { message: "no such node" });
      if (request.url === "/nodes/a%2Fb") return answer(200, { state: "stopped" });
      if (request.method === "GET") return answer(200, { state: looks++ < 2 ? "stopping" : "stopped" });
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        const order = JSON.parse(text) as { epoch: number };
        orders.push({ url: request.url, ...order });
        answer(order.epoch < 5 ? 409 : 202, { message: "epoch 5 was here" });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    looks = 0;
    orders.length = 0;
  });
  const fence = (stopTimeoutMs = 20_000): Fence =>
    httpFence({ baseUrl, token: async () => "a token", pollIntervalMs: 1, stopTimeoutMs });

  test("F1: a stop that is taken is not a stop: the node is down once the API says stopped", async () => {
    await fence().fence(target("one", 5));
    expect(looks).toBe(3);
    expect(orders).toEqual([{ url: "/nodes/one/stop", epoch: 5, force: true }]);
    expect(await fence().state(target("a/b"))).toBe("stopped");
  });

  test("F2: STALE_EPOCH: 409 is an order of an overtaken run", async () => {
    await expect(fence().fence(target("one", 4))).rejects.toMatchObject({ code: "STALE_EPOCH" });
  });

  test("a secret is in no error: neither a password in the URL nor a token that no header takes", async () => {
    expect(() => httpFence({ baseUrl: "https://admin:hunter2@fence.example" })).toThrow(/without user and password/);
    expect(() => httpFence({ baseUrl: "https://admin:hunter2@fence.example" })).not.toThrow(/hunter2/);
    for (const token of ["hunter2\nhunter2", "\uFEFFhunter2", "hunter2 ", ""]) {
      const refused = httpFence({ baseUrl, token: async () => token }).state(target("one"));
      await expect(refused).rejects.toMatchObject({
        code: "ENVIRONMENT",
        message: expect.not.stringContaining("hunter"),
      });
    }
  });

  test("an API that does not answer is named, with its reason", async () => {
    const gone = httpFence({ baseUrl: "http://127.0.0.1:1" });
    await expect(gone.fence(target("one", 5))).rejects.toThrow(
      /^the fence of one at 127\.0\.0\.1:1 does not answer: ./,
    );
  });

  test("a refusal, an unknown node, and a node that does not go down are failures that say what was answered", async () => {
    await expect(httpFence({ baseUrl }).fence(target("one", 5))).rejects.toThrow(/answered 401: .*who are you/);
    await expect(fence().state(target("gone"))).rejects.toThrow(/not known: the fence answered 404/);
    await expect(fence(0).fence(target("one", 5))).rejects.toThrow(/was not down after 0 ms/);
  });
});

describe("postgres.fence with a fence that switches machines off", () => {
  const setUp = (state: "running" | "stopped") => {
    const said: string[] = [];
    const control = {
      isRunning: async () => false,
      markStandby: () => Promise.reject(new Error("no route to host")),
      controlState: () => Promise.reject(new Error("no route to host")),
    } as unknown as NodeControl;
    let powered: "running" | "stopped" = "running";
    const fence: Fence = {
      fence: async () => {
        powered = state;
      },
      state: async () => powered,
    };
    let entry: { writer: string | null; epoch: number } = { writer: "pg1", epoch: 4 };
    const route = {
      current: async () => entry,
      publish: async (writer: string | null, epoch: number) => {
        entry = { writer, epoch };
        return true;
      },
    };
    const nodes = [{ name: "pg1", host: "10.0.0.1", port: 5432, user: "u", database: "d", priority: 1 }];
    const action = postgresActions({ nodes, control: fencedControl(control, fence, new Map()), route })[
      "postgres.fence"
    ];
    if (typeof action !== "object") throw new Error("no fence");
    const ctx = {
      input: { primary: "pg1", standbys: ["pg2"] },
      signal: new AbortController().signal,
      fencingTokens: { "postgres/x": 9 },
      log: (message: string) => void said.push(message),
    };
    return { said, run: async () => await action.run(ctx as unknown as ActionContext), entry: () => entry };
  };

  test("a machine that is off cannot be marked: the fence holds, and says to keep it off", async () => {
    const { run, said, entry } = setUp("stopped");
    expect(await run()).toMatchObject({ primary: "pg1", marked: false, checkpointLsn: null });
    expect(entry()).toEqual({ writer: null, epoch: 9 });
    expect(said[0]).toContain("keep it off until it rejoins (no route to host)");
  });

  test("a machine that is still on and cannot be marked is not fenced", async () => {
    const { run, entry } = setUp("running");
    await expect(run()).rejects.toThrow("still runs after it was fenced");
    expect(entry().writer).toBe("pg1");
  });
});

test("a control with a fence kills by it, with the epoch of the run, and never takes an unknown state for down", async () => {
  const asked: string[] = [];
  const unused = (): never => {
    throw new Error("not asked here");
  };
  let serverRuns = true;
  const own = { isRunning: async () => serverRuns };
  const control = new Proxy(own as unknown as NodeControl, {
    get: (target, name) => Reflect.get(target, name) ?? unused,
  });
  let state: "running" | "stopped" | "unknown" = "stopped";
  const fence: Fence = {
    fence: async ({ node, host, epoch }) => void asked.push(`${node} at ${host}, epoch ${epoch}`),
    state: async () => {
      if (state === "unknown") throw new Error("no answer");
      return state;
    },
  };
  const fenced = fencedControl(control, fence, new Map([["pg1", "10.0.0.1"]]));
  await fenced.kill("pg1", { epoch: 7 });
  expect(asked).toEqual(["pg1 at 10.0.0.1, epoch 7"]);
  expect(await fenced.isRunning("pg1")).toBe(false);
  state = "running";
  expect(await fenced.isRunning("pg1")).toBe(true);
  serverRuns = false;
  // A machine that is up may run nothing.
  expect(await fenced.isRunning("pg1")).toBe(false);
  await expect(fenced.kill("pg1", { epoch: 7 })).rejects.toThrow(/still runs after it was fenced/);
  state = "unknown";
  await expect(fenced.kill("pg1", { epoch: 7 })).rejects.toThrow("no answer");
  await expect(fenced.isRunning("pg1")).rejects.toThrow("no answer");
});
