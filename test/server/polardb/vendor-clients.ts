/**
 * The vendors' own clients, unmodified, each driven as its documentation says. Owns: how each is loaded and called, and what of its answer
 * or its error a test compares. All of them are CommonJS with default exports: loaded as Node does, whatever a test runner makes of that.
 */
import { createRequire } from "node:module";
import type Pop13 from "pop-core-1.3";
import type Pop17 from "pop-core-1.7";
import type Pop18 from "pop-core-1.8";
import type * as Waliyun from "waliyun";

type Words = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: these packages are loaded as their users load them, untyped.
type Loaded = any;

const load = createRequire(import.meta.url) as (name: string) => Loaded;

/** A client, ready to call one endpoint. */
export interface VendorClient {
  readonly name: string;
  /** What it resolved with; rejects with what it rejected with. */
  call(action: string, params: Words): Promise<Words>;
}

/** Where, and as whom. */
export interface Target {
  /** host:port */
  readonly endpoint: string;
  readonly accessKeyId?: string;
  readonly accessKeySecret?: string;
}

const VERSION = "2017-08-01";
const keysOf = ({ accessKeyId = "demo-ak", accessKeySecret = "demo-sk" }: Target) => ({ accessKeyId, accessKeySecret });

/** @alicloud/polardb20170801 1.0.0: a class per request, a method per action. */
export function teaClient(target: Target): VendorClient {
  const sdk = load("@alicloud/polardb20170801");
  const config = { ...keysOf(target), endpoint: target.endpoint, protocol: "http", regionId: "cn-hangzhou" };
  const client = new sdk.default(config);
  return {
    name: "@alicloud/polardb20170801 1.0.0",
    call: async (action, params) => {
      const words = Object.entries(params).map(([name, value]) => [fieldOf(name), value]);
      const method = `${action.slice(0, 1).toLowerCase()}${action.slice(1)}`;
      return await client[method](new sdk[`${action}Request`](Object.fromEntries(words)));
    },
  };
}

/** DBClusterId -> DBClusterId, TargetDBNodeId -> targetDBNodeId: the names of the client's fields. */
function fieldOf(name: string): string {
  return name.startsWith("DB") ? name : `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
}

/** @alicloud/pop-core of one version, by GET or POST. */
export function popClient(version: "1.3" | "1.7" | "1.8", method: "GET" | "POST", target: Target): VendorClient {
  const { RPCClient } = load(`pop-core-${version}`) as { RPCClient: typeof Pop13 | typeof Pop17 | typeof Pop18 };
  const keys = keysOf(target);
  // The types of 1.3 have another name for the secret than its code.
  const config = { ...keys, secretAccessKey: keys.accessKeySecret, apiVersion: VERSION };
  const client = new RPCClient({ ...config, endpoint: `http://${target.endpoint}` });
  return {
    name: `pop-core ${version} ${method}`,
    call: async (action, params) => await client.request(action, params, { method }),
  };
}

/** @alicloud/openapi-core and -client: `callApi` as generated SDKs call it; `v2` is the older signature. */
export function openApiClient(
  kind: "openapi-core" | "openapi-client",
  target: Target,
  signatureAlgorithm?: "v2",
): VendorClient {
  const module = load(`@alicloud/${kind}`);
  const { Config, Params, OpenApiRequest } = kind === "openapi-core" ? module.$OpenApiUtil : module;
  const config = new Config({ ...keysOf(target), endpoint: target.endpoint, protocol: "http" });
  if (signatureAlgorithm !== undefined) config.signatureAlgorithm = signatureAlgorithm;
  const client = new module.default(config);
  return {
    name: `${kind}${signatureAlgorithm === undefined ? "" : ` ${signatureAlgorithm}`}`,
    call: async (action, query) => {
      const params = new Params({
        action,
        version: VERSION,
        protocol: "HTTPS",
        pathname: "/",
        method: "POST",
        authType: "AK",
        style: "RPC",
        reqBodyType: "formData",
        bodyType: "json",
      });
      return await client.callApi(params, new OpenApiRequest({ query }), {});
    },
  };
}

/** waliyun, through its RDS settings: they lead to any endpoint and version. */
export function waliyunClient(target: Target): VendorClient {
  const { accessKeyId, accessKeySecret } = keysOf(target);
  const { RDS } = load("waliyun") as typeof Waliyun;
  const client = RDS({
    AccessKeyId: accessKeyId,
    AccessKeySecret: accessKeySecret,
    Api: `http://${target.endpoint}`,
    Version: VERSION,
  });
  return { name: "waliyun", call: async (action, params) => (await client[action]?.(params)) ?? {} };
}

/** Every client, and every way of calling it. */
export function allClients(target: Target): readonly VendorClient[] {
  const pop = (["1.3", "1.7", "1.8"] as const).flatMap((version) =>
    (["GET", "POST"] as const).map((method) => popClient(version, method, target)),
  );
  return [
    teaClient(target),
    ...pop,
    openApiClient("openapi-client", target),
    openApiClient("openapi-core", target),
    openApiClient("openapi-core", target, "v2"),
    waliyunClient(target),
  ];
}

/** RequestId of a success, wherever the client has it. */
export function requestIdOf(answer: Words): unknown {
  const body = Object(answer["body"]) as Words;
  return answer["RequestId"] ?? answer["requestId"] ?? body["RequestId"];
}
