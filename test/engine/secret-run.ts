/**
 * A plan with secrets in every place, a plan inside it, and what everybody who knows the secrets would tell. What its actions do is in
 * `secret-actions.ts`.
 */
import { definePlan, type Json } from "@belay/engine";

export const PARAMS = {
  password: "hunter2-Zx9",
  pin: 73914628,
  short: "q7",
  odd: 'p"a/s\\n\n$&+ ü%',
  vault: { host: "db1", token: "tok-vault-77", keys: ["key-A-1111", "key-B-2222"] },
  users: [
    { name: "ann", token: "tok-ann-4711" },
    { name: "bob", token: "tok-bob-4712" },
  ],
  certificates: { eu: "cert-eu-5151", us: "cert-us-5252" },
  blob: { user: "blob-user-1", words: ["blob-word-9", 918273645] },
  hint: "her password is hunter2-Zx9",
} as const satisfies Json;

export const MADE = {
  token: "tok-login-31415",
  minted: "minted-27182",
  polled: "polled-16180",
  inner: "inner-made-14142",
};

/** Every secret that is looked for in other texts. */
export const SECRETS: readonly string[] = [
  PARAMS.password,
  String(PARAMS.pin),
  PARAMS.odd,
  PARAMS.vault.token,
  ...PARAMS.vault.keys,
  ...PARAMS.users.map(({ token }) => token),
  ...Object.values(PARAMS.certificates),
  PARAMS.blob.user,
  PARAMS.blob.words[0],
  String(PARAMS.blob.words[1]),
  ...Object.values(MADE),
];

const SECRET = { type: "string", "x-secret": true };
const params = {
  type: "object",
  required: ["password"],
  properties: {
    password: SECRET,
    pin: { type: "integer", "x-secret": true },
    short: SECRET,
    odd: SECRET,
    none: SECRET,
    vault: {
      type: "object",
      properties: { host: { type: "string" }, token: SECRET, keys: { type: "array", items: SECRET } },
    },
    users: { type: "array", items: { type: "object", properties: { name: { type: "string" }, token: SECRET } } },
    certificates: { type: "object", additionalProperties: SECRET },
    blob: { type: "object", "x-secret": true },
    hint: { type: "string" },
    port: { type: "integer", default: 5432 },
  },
};

const tolerated = { onFailure: "continue" } as const;

export const INNER = definePlan({
  belay: 1,
  name: "inner",
  params: { type: "object", properties: { key: SECRET, login: { type: "string" }, port: { type: "integer" } } },
  nodes: [
    { id: "make", action: "make", with: { login: { $cel: "params.login" }, key: { $cel: "params.key" } } },
    { id: "tell", action: "tell", upstreams: ["make"], with: { made: { $cel: "nodes.make.output.made" } } },
    { id: "break", action: "break", upstreams: ["tell"], with: { login: { $cel: "params.login" } }, ...tolerated },
  ],
});

export const PLAN = definePlan({
  belay: 1,
  name: "secretive",
  params,
  nodes: [
    {
      id: "connect",
      action: "connect",
      with: { all: { $cel: "params" }, url: { $cel: "'postgres://app:' + params.password + '@db'" } },
      compensation: { action: "disconnect", with: { password: { $cel: "params.password" } } },
    },
    { id: "login", action: "login", upstreams: ["connect"], compensation: { action: "logout" } },
    { id: "mint", action: "mint", upstreams: ["login"] },
    {
      id: "use",
      action: "use",
      upstreams: ["mint"],
      with: { token: { $cel: "nodes.login.output.token" }, minted: { $cel: "nodes.mint.output" } },
      retry: { maxAttempts: 2, initialInterval: 0 },
    },
    {
      id: "users",
      action: "user",
      upstreams: ["use"],
      split: { over: "params.users" },
      with: { token: { $cel: "item.token" } },
    },
    { id: "keys", action: "key", upstreams: ["users"], split: { over: "[nodes.login.output.token, params.password]" } },
    { id: "when", action: "noop", upstreams: ["keys"], when: "params.password", ...tolerated },
    { id: "skipped", action: "noop", upstreams: ["when"], when: "params.password == 'x'" },
    {
      id: "fault",
      action: "noop",
      upstreams: ["skipped"],
      with: { x: { $cel: "params.vault[params.password]" } },
      ...tolerated,
    },
    { id: "poll", action: "belay.poll", upstreams: ["fault"], with: { action: "ask", interval: 0 } },
    {
      id: "approval",
      action: "belay.approval",
      upstreams: ["poll"],
      with: { approvers: [{ $cel: "params.vault.token" }, "ann"], required: 2 },
    },
    { id: "signal", action: "belay.signal", upstreams: ["approval"] },
    { id: "rejected", action: "belay.approval", upstreams: ["signal"], ...tolerated },
    {
      id: "sub",
      action: "belay.plan",
      upstreams: ["rejected"],
      with: {
        plan: "inner",
        params: { key: { $cel: "nodes.login.output.token" }, login: { $cel: "'app:' + params.password" }, port: 5432 },
      },
      compensation: { action: "noop" },
    },
    { id: "last", action: "last", upstreams: ["sub"], with: { sub: { $cel: "nodes.sub.output" } } },
  ],
});

const GIVEN = SECRETS.filter((secret) => !Object.values<string>(MADE).includes(secret));

/** What the actions before one have made: it is secret from then on. */
const MADE_BEFORE: Readonly<Record<string, readonly string[]>> = {
  connect: [],
  login: [],
  mint: [MADE.token],
  use: [MADE.token, MADE.minted],
  user: [MADE.token, MADE.minted],
  key: [MADE.token, MADE.minted],
  ask: [MADE.token, MADE.minted],
  operator: [MADE.token, MADE.minted, MADE.polled],
  make: [MADE.token, MADE.minted, MADE.polled],
};

/** Says every secret that there is by then, in every form. */
export function gossip(who: string): string {
  return [...GIVEN, ...(MADE_BEFORE[who] ?? Object.values(MADE))]
    .flatMap((secret) => {
      const bytes = Buffer.from(secret);
      const encodings = (["base64", "base64url", "hex"] as const).map((encoding) => bytes.toString(encoding));
      const inside = Buffer.from(`ann:${secret}!`).toString("base64");
      return [secret, JSON.stringify(secret), encodeURIComponent(secret), inside, ...encodings];
    })
    .join(" | ");
}
