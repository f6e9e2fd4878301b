/**
 * The inventory: what it may say, what is refused and how that is said, where secrets come from, and what becomes of a cluster in it.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import { clusterNamed, parseInventory, readSecret } from "@belay/failover-plans";
import { type NodeControl, postgresFromInventory } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "belay-inventory-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  delete process.env["BELAY_TEST_PASSWORD"];
});

const text = (changed: Record<string, string> = {}): string => `inventory: 1
clusters:
  orders:
    system: ${changed["system"] ?? "postgres"}
    user: belay
    password: ${changed["password"] ?? "{ env: BELAY_TEST_PASSWORD }"}
    route: ${directory}/route
    recoveries: ${directory}/recoveries
    ${changed["more"] ?? ""}
    nodes:
      - { name: pg1, host: 127.0.0.1, port: 5432, priority: 200 }
      - ${changed["node"] ?? "{ name: pg2, host: 127.0.0.1, port: 5433 }"}
`;

const errorOf = (changed: Record<string, string>): string => {
  try {
    parseInventory(text(changed), { filename: "inventory.yaml" });
  } catch (error) {
    expect(error).toBeInstanceOf(BelayError);
    expect((error as BelayError).code).toBe("INVALID_ARGUMENT");
    return (error as BelayError).message;
  }
  throw new Error("it was taken");
};

test("an inventory names clusters, nodes and where secrets are kept; priority is 100 unless it says otherwise", () => {
  const { clusters } = parseInventory(text());
  expect(clusters["orders"]).toMatchObject({
    system: "postgres",
    password: { env: "BELAY_TEST_PASSWORD" },
    nodes: [
      { name: "pg1", priority: 200 },
      { name: "pg2", host: "127.0.0.1", port: 5433, priority: 100 },
    ],
  });
});

describe("a mistake is named by its place and its remedy", () => {
  test.each([
    [
      "a secret that is written down",
      { password: "hunter2" },
      "clusters.orders.password: a secret is named, never written here",
    ],
    ["an unknown system", { system: "oracle" }, "clusters.orders.system"],
    [
      "a port that is none",
      { node: "{ name: pg2, host: h, port: 70000 }" },
      "clusters.orders.nodes.1.port: up to 65535",
    ],
    [
      "a name that is an option",
      { node: "{ name: -rf, host: h, port: 1 }" },
      "clusters.orders.nodes.1.name: letters, digits",
    ],
    [
      "a name twice",
      { node: "{ name: pg1, host: h, port: 1 }" },
      "clusters.orders.nodes: two nodes have the same name",
    ],
    ["a server twice", { node: "{ name: x, host: 127.0.0.1, port: 5432 }" }, "two nodes have the same host and port"],
    ["a word that means nothing", { more: "retries: 3" }, "clusters.orders.retries"],
    ["a fence of no kind", { more: "fence: { kill: -9 }" }, "clusters.orders.fence: a fence is { command:"],
    ["a text that is no YAML", { more: "[" }, "inventory.yaml:"],
  ])("%s", (_, changed, said) => {
    expect(errorOf(changed)).toContain(said);
  });

  test.each([
    { password: "hunter2" },
    { password: "{ env: X, value: hunter2 }" },
    { password: '"hunter2' },
    { password: "|hunter2" },
    { password: ">hunter2" },
    { password: "!hunter2" },
    { more: 'fence: { http: { url: "https://admin:hunter2@fence.example" } }' },
    { more: 'fence: { http: { url: "https://fence.example/?key=hunter2" } }' },
    { more: 'fence: { http: { url: "https://fence.example", token: hunter2 } }' },
  ])("what is written as a secret is refused and not repeated: %o", (changed) => {
    expect(errorOf(changed)).not.toContain("hunter2");
  });

  test.each([
    ['fence: { http: { url: "https://a:b@fence.example" } }', "clusters.orders.fence.http.url: a URL without user and"],
    ['fence: { http: { url: "file:///etc" } }', "clusters.orders.fence.http.url: an http or https URL"],
    ['fence: { http: { url: "fence.example" } }', "clusters.orders.fence.http.url: a URL such as"],
    ["fence: { command: { fence: [a], state: [b], timeoutSeconds: 0 } }", "timeoutSeconds: seconds, above 0"],
    ["fence: { command: { fence: [a], state: [b], timeoutSeconds: -1 } }", "timeoutSeconds: seconds, above 0"],
  ])("a fence that could not work is refused before the night it is needed: %s", (more, said) => {
    expect(errorOf({ more })).toContain(said);
  });

  test("an address of IPv6 is taken as clients and fences take it, without brackets", () => {
    const node = (host: string): string => `{ name: pg2, host: "${host}", port: 5433 }`;
    expect(parseInventory(text({ node: node("::1") })).clusters["orders"]?.nodes[1]?.host).toBe("::1");
    expect(errorOf({ node: node("[::1]") })).toContain(
      "clusters.orders.nodes.1.host: a host name, or an address without",
    );
  });

  test("an unknown cluster is answered with those there are, and a name from JavaScript's own is unknown", () => {
    const inventory = parseInventory(text());
    for (const name of ["order", "constructor", "__proto__"]) {
      expect(() => clusterNamed(inventory, name)).toThrow(`no cluster "${name}"; there are orders`);
    }
  });
});

describe("a secret is read when it is needed", () => {
  test("from the environment or from a file, without the line end of the file", async () => {
    process.env["BELAY_TEST_PASSWORD"] = "from the environment";
    expect(await readSecret({ env: "BELAY_TEST_PASSWORD" }, "x")).toBe("from the environment");
    const file = join(directory, "password");
    await writeFile(file, "from the file \n");
    expect(await readSecret({ file }, "x")).toBe("from the file ");
  });

  test("one that is missing or empty is named with what to do, and never as empty text", async () => {
    delete process.env["BELAY_TEST_PASSWORD"];
    const what = "clusters.orders.password";
    await expect(readSecret({ env: "BELAY_TEST_PASSWORD" }, what)).rejects.toMatchObject({
      code: "ENVIRONMENT",
      message: `${what}: set the environment variable BELAY_TEST_PASSWORD`,
    });
    await expect(readSecret({ file: join(directory, "none") }, what)).rejects.toThrow(/none cannot be read \(ENOENT\)/);
    await writeFile(join(directory, "empty"), "\n");
    await expect(readSecret({ file: join(directory, "empty") }, what)).rejects.toThrow(/is empty/);
  });
});

describe("a PostgreSQL cluster of the inventory", () => {
  const control = { isRunning: async () => true } as unknown as NodeControl;

  test("gets its nodes, route, log and fence", async () => {
    process.env["BELAY_TEST_PASSWORD"] = "secret";
    const fence = 'fence: { command: { fence: ["true"], state: ["echo", "stopped"] } }';
    const found = await postgresFromInventory(parseInventory(text({ more: fence })), "orders", control);
    expect(found.nodes[0]).toEqual({
      name: "pg1",
      host: "127.0.0.1",
      port: 5432,
      priority: 200,
      user: "belay",
      database: "postgres",
      password: "secret",
    });
    expect(await found.route.current()).toEqual({ writer: null, epoch: 0 });
    expect(await found.recoveries?.list("orders")).toEqual([]);
    // The fence says so, not the control.
    expect(await found.control.isRunning("pg1")).toBe(false);
    const plain = await postgresFromInventory(parseInventory(text()), "orders", control);
    expect(plain.control).toBe(control);
  });

  test("is refused when it is of another system, and when its password is missing", async () => {
    const other = postgresFromInventory(parseInventory(text({ system: "mariadb" })), "orders", control);
    await expect(other).rejects.toThrow('cluster "orders" is one of mariadb, not of postgres');
    delete process.env["BELAY_TEST_PASSWORD"];
    await expect(postgresFromInventory(parseInventory(text()), "orders", control)).rejects.toMatchObject({
      code: "ENVIRONMENT",
    });
  });
});
