/**
 * Requests as nobody would send them, and as somebody would: drawn over method, path of every surface, query, headers and body. Owns: what
 * is drawn, and how often. Half of it is nearly right, so that it gets past the first check.
 */
import fc from "fast-check";

/** A drawn request. */
export interface DrawnRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Address it seems to come from. */
  readonly remoteAddress: string;
}

const method = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("GET", "POST") },
  { weight: 2, arbitrary: fc.constantFrom("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD") },
);

/** Ids of runs come from a few client tokens and lists; these are the ones that are guessed. */
const id = fc.oneof(
  fc.constantFrom("5", "6", "pc-1", "pi-2", "steps", "0", "-1", "9007199254740993", "known-1", "known-2", "known-3"),
  fc.constantFrom("__proto__", "constructor", "..%2f..%2fetc", "%00", "%0d%0a", "%ff", "%", "a%20b", "x".repeat(300)),
  fc.uuid(),
  fc.string({ maxLength: 12 }).map(encodeURIComponent),
);

const VERBS = [
  "retry",
  "skip",
  "cancel",
  "rollback",
  "skip-rollback",
  "approve",
  "reject",
  "signal",
  "pause",
  "resume",
];
const native = fc.oneof(
  fc.constantFrom("", "/health", "/openapi.json", "/plans", "/plans/check", "/runs", "/audit", "/locks", "/inventory"),
  fc.tuple(id, fc.constantFrom("", "/graph", "/x")).map(([one, rest]) => `/plans/${one}${rest}`),
  fc
    .tuple(id, fc.constantFrom("", "/logs", "/audit", "/preview", "/abandon", ...VERBS.map((verb) => `/${verb}`)))
    .map(([one, rest]) => `/runs/${one}${rest}`),
  fc.tuple(id, fc.constantFrom("", "/failover")).map(([one, rest]) => `/clusters/${one}${rest}`),
);
const ocp = fc.oneof(
  fc
    .tuple(id, fc.constantFrom("failover", "switchover", "failoverPreCheck", "switchoverPreCheck", "x"))
    .map(([one, what]) => `/ob/clusters/${one}/${what}`),
  fc
    .tuple(id, fc.constantFrom("", "/retry", "/rollback", "/cancel"))
    .map(([one, what]) => `/tasks/instances/${one}${what}`),
  fc
    .tuple(id, id, fc.constantFrom("/log", "/retry", "/skip", "/cancel"))
    .map(([one, two, what]) => `/tasks/instances/${one}/subtasks/${two}${what}`),
  fc.constantFrom("/tasks/instances", "/ob/clusters", "/tasks", ""),
);
const garbage = fc
  .string({ unit: fc.constantFrom(..."/abc.%2fF0_-~@:;!$&'()*+,=?#"), maxLength: 40 })
  // What no client can send is no request.
  .map((text) => `/${text.replaceAll("#", "")}`);

const path = fc.oneof(
  { weight: 6, arbitrary: native.map((rest) => `/v1${rest}`) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("/api/v2", "/api/v1", "/api"), ocp).map((parts) => parts.join("")) },
  { weight: 3, arbitrary: fc.constant("/") },
  { weight: 2, arbitrary: garbage },
);

const ACTIONS = ["FailoverDBCluster", "FailoverDBClusterZonal", "DescribeDBClusters", "DescribeDBClusterAttribute"];
const RPC: Readonly<Record<string, readonly string[]>> = {
  Action: [...ACTIONS, "DescribeHALogs", "Nope", ""],
  DBClusterId: ["pc-1", "pc-9", ""],
  TargetDBNodeId: ["pi-2", "pi-9"],
  ClientToken: ["a", "é", "x".repeat(65)],
  Format: ["JSON", "XML", "yaml"],
  Version: ["2017-08-01", "1"],
  AccessKeyId: ["test-ak", "nobody"],
  Signature: ["", "AAAA"],
  SignatureMethod: ["HMAC-SHA1", "none"],
  SignatureVersion: ["1.0"],
  SignatureNonce: ["1", "2"],
  Timestamp: ["2026-01-01T00:00:00Z", "soon"],
  limit: ["1", "0", "abc"],
  cursor: ["", "AAAA", "W10"],
  format: ["mermaid", "dot", "json", "x"],
  status: ["FAILED", "x"],
  offset: ["0", "-1", "99999999999"],
  page: ["1", "0", "-5"],
  size: ["10", "100000"],
};
const words = Object.entries(RPC).map(([name, values]) =>
  fc.constantFrom(...values.map((value) => [name, value] as const)),
);
const pair = fc.oneof(
  { weight: 8, arbitrary: fc.oneof(...words) },
  { weight: 1, arbitrary: fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 })) },
);
const query = fc
  .oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 2, arbitrary: fc.array(pair, { maxLength: 12 }) })
  .map((pairs) => pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&"));

const why = fc.oneof(fc.constantFrom("a drill", "a\nb"), fc.string({ maxLength: 20 }));
const fields = {
  plan: fc.constantFrom("steps", "steps", "polardb-failover", "secretive", "postgres-failover", "none", "__proto__"),
  params: fc.oneof(
    fc.record({ name: fc.constantFrom("a", "b", "c") }),
    fc.record({ cluster: fc.constantFrom("pc-1", "pc-2") }),
    fc.constant({ password: "hunter2-quite-secret" }),
    fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  ),
  mode: fc.constantFrom("planned", "forced", "x"),
  target: fc.constantFrom("pi-2", "pi-9"),
  allowDataLoss: fc.constantFrom(true, false, "true"),
  clientToken: fc.constantFrom("t-1", "t-2", "t-3", "t-4", "é", ""),
  validateOnly: fc.constantFrom(true, false),
  verb: fc.constantFrom("retry", "rollback", "skip-rollback", "constructor"),
  node: fc.constantFrom("look", "hold", "g[0]", "__proto__"),
  to: fc.constantFrom("barrier", "hold", "x"),
  output: fc.jsonValue({ maxDepth: 1 }),
  requestId: fc.constantFrom("r-1", "r-2"),
  why,
  text: fc.constantFrom("belay: 1", "a: &a [*a]", "{", "name: x\nbelay: 1\nnodes: [{id: a, action: test.look}]"),
};
/** Nearly what a native request says. */
const nearly = fc
  .tuple(fc.record(fields), fc.subarray(Object.keys(fields) as (keyof typeof fields)[], { maxLength: 4 }))
  .map(([whole, kept]) => JSON.stringify(Object.fromEntries(kept.map((name) => [name, whole[name]]))));
const body = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 6, arbitrary: nearly },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: nearly.map((text) => text.slice(0, text.length / 2)) },
  { weight: 1, arbitrary: query },
  { weight: 1, arbitrary: fc.string({ maxLength: 50 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("[".repeat(5000), '{"a":'.repeat(2000), "x".repeat(70_000), '{"__proto__":{}}'),
  },
);

const authorization = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom("Bearer adam-token", "Bearer olga-token", "Bearer vera-token") },
  { weight: 2, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("Bearer x", "Basic %%%", "bearer", "ACS3-HMAC-SHA256 Credential=test-ak", "OCP x:y"),
  },
);
const type = fc.constantFrom(
  "application/json",
  "application/json; charset=utf-8",
  "application/x-www-form-urlencoded",
  "text/plain",
  "application/xml",
  "x",
);
const visible = fc.string({ unit: fc.constantFrom(..."abcXYZ019 -_.,;:/\"'()<>@[]{}?=*%"), maxLength: 30 });
const odd = fc.tuple(
  fc.constantFrom(
    "if-match",
    "if-none-match",
    "last-event-id",
    "x-acs-action",
    "x-acs-version",
    "x-acs-signature-nonce",
  ),
  visible,
);
const headers = fc
  .record({
    authorization,
    type,
    host: fc.oneof(
      { weight: 15, arbitrary: fc.constantFrom("127.0.0.1", "localhost:8080") },
      { weight: 1, arbitrary: visible },
    ),
    odd: fc.array(odd, { maxLength: 2 }),
    any: fc.array(fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), visible), { maxLength: 2 }),
    accept: fc.constantFrom("", "application/json", "text/xml", "*/*"),
  })
  .map(({ authorization: who, type: media, host, odd: some, any, accept }) => ({
    ...Object.fromEntries([...some, ...any]),
    host,
    ...(who === "" ? {} : { authorization: who }),
    ...(accept === "" ? {} : { accept }),
    "content-type": media,
  }));

/** Requests of all surfaces, and of none, in which nothing needs to fit anything. */
const wild = fc
  .record({ method, path, query, headers, body })
  .map(({ method: verb, path: where, query: asked, headers: { "content-type": media, ...rest }, body: text }) => ({
    method: verb,
    url: asked === "" ? where : `${where}?${asked}`,
    headers: text === undefined ? rest : { ...rest, "content-type": media },
    body: text,
  }));

/** Runs that are there from the beginning; the last one has ended. */
export const KNOWN_RUNS = ["known-1", "known-2", "known-3", "known-4"] as const;
const known = fc.constantFrom(...KNOWN_RUNS);

/** What a start may say, by plan. */
const orders = fc.oneof(
  fc.record({ plan: fc.constant("steps"), params: fc.record({ name: fc.constantFrom("a", "b", "c") }) }),
  fc.record({ plan: fc.constant("polardb-failover"), params: fc.constant({ cluster: "pc-1" }) }),
  fc.record({ plan: fc.constant("oceanbase-failover"), params: fc.constant({ clusterId: 6 }) }),
  fc.record({ plan: fc.constant("postgres-failover"), params: fc.constant({}) }),
);
const extras = fc.subarray(
  ["mode", "allowDataLoss", "clientToken", "validateOnly", "why"] satisfies (keyof typeof fields)[],
  { maxLength: 2 },
);
const start = fc
  .tuple(orders, fc.record(fields), extras)
  .map(([order, whole, names]) => ({ ...Object.fromEntries(names.map((name) => [name, whole[name]])), ...order }))
  .map((order) => ["POST", "/v1/runs", order] as const);
const failOver = fc
  .tuple(
    fc.constantFrom("pc-1", "6"),
    fc.record({ mode: fc.constantFrom("planned", "forced"), validateOnly: fc.boolean() }),
  )
  .map(([cluster, order]) => ["POST", `/v1/clusters/${cluster}/failover`, order] as const);
const verb = fc
  .tuple(
    known,
    fc.constantFrom(...VERBS, "abandon"),
    fc.record({ node: fields.node, requestId: fields.requestId }, { requiredKeys: [] }),
  )
  .map(([run, name, order]) => ["POST", `/v1/runs/${run}/${name}`, order] as const);
const preview = fc
  .tuple(known, fc.constantFrom(...VERBS))
  .map(([run, name]) => ["POST", `/v1/runs/${run}/preview`, { verb: name }] as const);
const look = fc
  .oneof(
    fc
      .tuple(known, fc.constantFrom("", "/logs?offset=1", "/logs?node=look", "/audit"))
      .map((parts) => `runs/${parts.join("")}`),
    fc.constantFrom(
      "runs/known-4/events",
      "runs?limit=2",
      "runs?status=RUNNING&plan=steps",
      "runs?startedBy=adam",
      "locks",
    ),
    fc.constantFrom(
      "plans",
      "plans/steps",
      "plans/steps/graph?format=dot",
      "audit?outcome=ok",
      "clusters/pc-1",
      "inventory",
    ),
  )
  .map((rest) => ["GET", `/v1/${rest}`, undefined] as const);
const check = fields.text.map((text) => ["POST", "/v1/plans/check", { text }] as const);
const ocpStart = fc
  .tuple(id, fc.constantFrom("failover", "switchover", "failoverPreCheck"))
  .map(([cluster, what]) => ["POST", `/api/v2/ob/clusters/${cluster}/${what}`, {}] as const);
const rpc = query.map((asked) => ["GET", `/?${asked}`, undefined] as const);

/** Requests that fit a route, but for what they say. */
const aimed = fc
  .tuple(fc.oneof(start, failOver, verb, preview, look, check, ocpStart, rpc), authorization)
  .map(([[verbOf, url, order], who]) => ({
    method: verbOf as string,
    url: url as string,
    headers: {
      host: "127.0.0.1",
      ...(who === "" ? {} : { authorization: who }),
      ...(order === undefined ? {} : { "content-type": "application/json" }),
    },
    body: order === undefined ? undefined : JSON.stringify(order),
  }));

const address = fc.nat({ max: 2 ** 16 - 1 }).map((place) => `10.1.${place >> 8}.${place & 255}`);

/** See the head of this file. */
export const drawnRequest: fc.Arbitrary<DrawnRequest> = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: wild }, { weight: 2, arbitrary: aimed }), address)
  .map(([request, remoteAddress]) => ({ ...request, remoteAddress }));
