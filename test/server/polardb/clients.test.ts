/**
 * The vendors' real clients, unmodified: what each resolves with and rejects with is what its table in the reference says. Eleven ways of
 * calling: five packages, three versions of one, GET and POST, both signature styles.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MYSQL, type Rig, startRig } from "./polar-rig.ts";
import { allClients, openApiClient, popClient, requestIdOf, teaClient, type VendorClient } from "./vendor-clients.ts";

type Words = Readonly<Record<string, unknown>>;

const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;
const NONE = { DBClusterId: "pc-none" };
const NOT_FOUND = "InvalidDBCluster.NotFound";
const MESSAGE = "The DBClusterId provided does not exist in our records.";
/** Names of the clients, for tests that are made before there is a server. */
const NAMES = allClients({ endpoint: "127.0.0.1:1" }).map(({ name }) => name);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(async () => {
  await rig.close();
});

function clientOf(name: string, target: Parameters<typeof allClients>[0] = rig): VendorClient {
  const found = allClients(target).find((client) => client.name === name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
}

/** What a client rejected with. */
async function rejected(client: VendorClient, action: string, params: Words): Promise<Words> {
  return await client.call(action, params).then(
    (answer) => {
      throw new Error(`${client.name} resolved with ${JSON.stringify(answer)}`);
    },
    (error: unknown) => error as Words,
  );
}

const bodyOf = (answer: Words): Words => (answer["body"] ?? answer) as Words;

describe.each(NAMES)("%s", (name) => {
  test("fails a cluster over, and gets its RequestId", async () => {
    const answer = await clientOf(name).call("FailoverDBCluster", {
      DBClusterId: MYSQL,
      ClientToken: `tok'(*)! ~-_. ${name}`,
    });
    expect(requestIdOf(answer)).toMatch(UUID);
    expect(bodyOf(answer)).not.toHaveProperty("Code");
    const runs = await rig.settled();
    expect(runs.find(({ id }) => id === requestIdOf(answer))?.status).toBe("SUCCESSFUL");
  });

  test("reads clusters and nodes: wrapped in one action, flat in the other", async () => {
    const client = clientOf(name);
    const one = bodyOf(await client.call("DescribeDBClusterAttribute", { DBClusterId: MYSQL }));
    const nodes = (one["DBNodes"] ?? []) as readonly Words[];
    expect(nodes.map((node) => node["DBNodeRole"]).toSorted()).toEqual(["Reader", "Reader", "Writer"]);
    const all = bodyOf(await client.call("DescribeDBClusters", { RegionId: "cn-hangzhou" }));
    const items = (all["Items"] ?? all["items"]) as { readonly DBCluster?: readonly Words[] };
    expect(items.DBCluster?.map((cluster) => cluster["DBClusterId"])).toEqual([MYSQL, "pc-demopostgres"]);
  });

  test("understands a refusal", async () => {
    if (name === "waliyun") {
      const answer = await clientOf(name).call("FailoverDBCluster", NONE);
      expect(answer).toMatchObject({ Code: NOT_FOUND, Message: MESSAGE, RequestId: expect.stringMatching(UUID) });
      return;
    }
    const error = await rejected(clientOf(name), "FailoverDBCluster", NONE);
    const data = { Code: NOT_FOUND, Message: MESSAGE, RequestId: expect.stringMatching(UUID) };
    expect(error["data"]).toMatchObject(data);
    // One family of clients adds a word to the code.
    expect(error["code"]).toBe(name.startsWith("@alicloud/polardb") ? `${NOT_FOUND}Error` : NOT_FOUND);
  });

  test("is refused with a wrong secret, and understands that", async () => {
    // A server of its own: who is refused too often has to wait.
    const other = await startRig();
    const client = clientOf(name, { endpoint: other.endpoint, accessKeySecret: "wrong" });
    if (name === "waliyun") {
      expect(await client.call("FailoverDBCluster", NONE)).toMatchObject({ Code: "SignatureDoesNotMatch" });
    } else {
      const error = await rejected(client, "FailoverDBCluster", NONE);
      expect(error["code"]).toMatch(/^SignatureDoesNotMatch(Error)?$/);
    }
    await other.close();
  });
});

describe("errors as each family shows them", () => {
  test("Tea: the code, the status and the RequestId are in the message", async () => {
    const error = await rejected(teaClient(rig), "FailoverDBCluster", NONE);
    expect(String(error["message"])).toMatch(
      /^InvalidDBCluster\.NotFoundError: code: 404, The DBClusterId provided .* requestid: [0-9A-F-]{36}$/,
    );
  });

  test.each(["1.3", "1.7", "1.8"] as const)("pop-core %s: a name, and from 1.7 on the HTTP status", async (version) => {
    const error = await rejected(popClient(version, "GET", rig), "FailoverDBCluster", NONE);
    expect(error["name"]).toBe("InvalidDBCluster.NotFoundError");
    expect(String(error["message"])).toContain(MESSAGE);
    const { entry } = error as { readonly entry?: { readonly response?: { readonly statusCode?: number } } };
    if (version !== "1.3") expect(entry?.response?.statusCode).toBe(404);
  });

  test("openapi-client and openapi-core: the status, and core its classes", async () => {
    const client = await rejected(openApiClient("openapi-client", rig), "FailoverDBCluster", NONE);
    expect(client).toMatchObject({ code: NOT_FOUND, statusCode: 404 });
    const core = await rejected(openApiClient("openapi-core", rig), "FailoverDBCluster", NONE);
    expect(core).toMatchObject({ code: NOT_FOUND, statusCode: 404, requestId: expect.stringMatching(UUID) });
    expect(core.constructor.name).toBe("ClientError");
  });

  test("openapi-core: a refusal for too many requests is a ThrottlingError that says how long to wait", async () => {
    const narrow = await startRig({ limits: { perMinute: 1 } });
    const client = openApiClient("openapi-core", narrow);
    await client.call("DescribeDBClusters", {});
    const error = await rejected(client, "DescribeDBClusters", {});
    expect(error.constructor.name).toBe("ThrottlingError");
    expect(error).toMatchObject({ code: "Throttling.User", statusCode: 429 });
    expect(Number(error["retryAfter"])).toBeGreaterThan(0);
    await narrow.close();
  });

  test("Tea: the fields of a log of switches arrive under their names", async () => {
    const client = teaClient(rig);
    await client.call("FailoverDBCluster", { DBClusterId: MYSQL });
    await rig.settled();
    const pop = popClient("1.8", "POST", rig);
    const log = await pop.call("DescribeHALogs", { DBClusterId: MYSQL, LogType: "HaSwitchLogList", PageSize: 5 });
    expect(log).toMatchObject({ DBInstanceName: MYSQL, HaStatus: 0, PageSize: 5 });
  });
});
