/** The native API's own description: it is OpenAPI 3.1, has every route, and real answers fit it. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { fastify } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answered, createRig, type Rig, startHeld } from "./rig.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: object;
  }[];
  readonly security: readonly object[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: object; readonly securitySchemes: object };
}

let rig: Rig;
let document: OpenApi;
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });

beforeAll(async () => {
  rig = await createRig();
  document = (await rig.call("GET", "/v1/openapi.json", { as: null })).json;
  ajv.addSchema(document, "doc");
});
afterAll(async () => await rig.close());

/** The schema of an operation's answer. */
function schemaOf(path: string, method: string, status: string): ValidateFunction {
  const escaped = path.replaceAll("~", "~0").replaceAll("/", "~1");
  const place = `/paths/${escaped}/${method}/responses/${status}/content/application~1json/schema`;
  return ajv.compile({ $ref: `doc#${encodeURI(place)}` });
}

function expectFits(answer: Answered, path: string, method = "get"): void {
  const status = answer.status < 400 ? String(answer.status) : "default";
  const fits = schemaOf(path, method, status);
  fits(answer.json);
  expect(fits.errors, `${method} ${path} ${answer.status}: ${answer.text.slice(0, 300)}`).toBeNull();
}

const operations = (): readonly (readonly [string, string, Operation])[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [path, method, operation] as const),
  );

describe("the document", () => {
  test("is OpenAPI 3.1 and names itself, its schemas and the two ways to prove who one is", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.info).toMatchObject({ title: "Belay", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(Object.keys(document.components.securitySchemes)).toEqual(["bearer", "basic"]);
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(["Run", "Plan", "Error", "Lock"]));
  });

  test("every schema in it is one, and every reference leads somewhere", () => {
    for (const [path, method, { responses, requestBody }] of operations()) {
      for (const [status, { content }] of Object.entries(responses)) {
        if (content !== undefined && "application/json" in content) schemaOf(path, method, status);
      }
      if (requestBody !== undefined)
        expect(ajv.validateSchema(requestBody.content["application/json"]!.schema)).toBe(true);
    }
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    for (const [, name] of refs) expect(document.components.schemas).toHaveProperty(name!);
    expect(refs.length).toBeGreaterThan(40);
  });

  test("every parameter of a path is declared, and every answer described", () => {
    for (const [path, , { parameters = [], responses }] of operations()) {
      const inPath = parameters.filter((one) => one.in === "path");
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      for (const { name, in: place, required, schema } of parameters) {
        expect([name, place === "path" ? required : true]).toEqual([name, true]);
        expect(["path", "query", "header"]).toContain(place);
        expect(ajv.validateSchema(schema)).toBe(true);
      }
      for (const { description } of Object.values(responses)) expect(description).not.toBe("");
    }
  });

  test("has every route of the API, each with its own operationId, a refusal and its security", async () => {
    const routes = new Set<string>();
    const app = fastify({ exposeHeadRoutes: false });
    app.addHook("onRoute", ({ method, url }) => {
      routes.add(`${String(method).toLowerCase()} ${url}`);
    });
    await rig.surfaces.find(({ name }) => name === "native")?.register(app);
    const all = operations();
    expect(new Set(all.map(([, , { operationId }]) => operationId)).size).toBe(all.length);
    const urls = all.map(([path, method]) => `${method} ${path.replaceAll("{", ":").replaceAll("}", "")}`);
    expect(urls.toSorted()).toEqual([...routes].toSorted());
    for (const [path, , { responses, security }] of all) {
      expect(Object.keys(responses)).toContain("default");
      const open = path === "/v1/health" || path === "/v1/openapi.json";
      expect(security).toHaveLength(open ? 0 : 2);
    }
  });
});

describe("real answers fit their schemas", () => {
  test("plans, clusters, locks, audit and health", async () => {
    await startHeld(rig, "a");
    await rig.held.next();
    for (const path of [
      "/v1/plans",
      "/v1/inventory",
      "/v1/locks",
      "/v1/audit",
      "/v1/health",
      "/v1/runs",
      "/v1/openapi.json",
    ]) {
      const answer = await rig.call("GET", path);
      expect(answer.status).toBe(200);
      expectFits(answer, path);
    }
    expectFits(await rig.call("GET", "/v1/plans/polardb-failover"), "/v1/plans/{name}");
    expectFits(await rig.call("GET", "/v1/plans/steps/graph"), "/v1/plans/{name}/graph");
    expectFits(await rig.call("GET", "/v1/clusters/pc-1"), "/v1/clusters/{id}");
    for (const text of ["belay: 1", "a: [", "name: x\nbelay: 1\nnodes: [{id: a, action: test.look}]"]) {
      expectFits(await rig.call("POST", "/v1/plans/check", { body: { text } }), "/v1/plans/check", "post");
    }
  });

  test("runs that go well, fail, are undone, wait and choose", async () => {
    const { id } = await startHeld(rig, "b");
    (await rig.held.next()).succeed();
    const failing = await startHeld(rig, "c");
    (await rig.held.next()).fail();
    await rig.host.engine.run(failing.id)?.settled();
    const preview = await rig.call("POST", `/v1/runs/${failing.id}/preview`, { body: { verb: "rollback" } });
    expectFits(preview, "/v1/runs/{id}/preview", "post");
    expectFits(
      await rig.call("POST", `/v1/runs/${failing.id}/rollback`, { body: {} }),
      "/v1/runs/{id}/rollback",
      "post",
    );
    const failover = await rig.call("POST", "/v1/clusters/pc-1/failover", { body: { mode: "forced" } });
    expectFits(failover, "/v1/clusters/{id}/failover", "post");
    const waiting = await rig.call("POST", "/v1/runs", { body: { plan: "approval" } });
    expectFits(waiting, "/v1/runs", "post");
    for (const run of [id, failing.id, failover.json.id, waiting.json.id]) {
      if (run !== waiting.json.id) await rig.host.engine.run(run)?.settled();
      const answer = await rig.call("GET", `/v1/runs/${run}`);
      expectFits(answer, "/v1/runs/{id}");
      expectFits(await rig.call("GET", `/v1/runs/${run}/audit`), "/v1/runs/{id}/audit");
      expectFits(await rig.call("GET", `/v1/runs/${run}/logs`), "/v1/runs/{id}/logs");
    }
    expect((await rig.call("GET", `/v1/runs/${failover.json.id}`)).json.election.chosen).toBe("pi-2");
  });

  test("validations and refusals", async () => {
    const body = { plan: "steps", params: { name: "a", refuse: true }, validateOnly: true };
    expectFits(await rig.call("POST", "/v1/runs", { body }), "/v1/runs", "post");
    const refused = await Promise.all([
      rig.call("GET", "/v1/runs/nothing"),
      rig.call("GET", "/v1/runs/nothing", { as: null }),
      rig.call("GET", "/v1/runs/%00"),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([404, 401, 400]);
    for (const answer of refused) expectFits(answer, "/v1/runs/{id}");
    expectFits(await rig.call("POST", "/v1/runs", { body: { plan: 1, x: 2 } }), "/v1/runs", "post");
  });
});
