/** Servers of tests: a site made of what the test gives, on a free port or without one; ended by `endAll`. */
import { createHash } from "node:crypto";
import type { Settings } from "@belay/server";
import { type BelayServer, type Site, startServer } from "@belay/server";
import { readSettings } from "../../packages/server/src/settings/settings.ts";

/** Bearer tokens of the test's principals, by role. */
export const TOKENS = {
  viewer: "viewer-token-of-a-test",
  operator: "operator-token-of-a-test",
  admin: "admin-token",
} as const;

const servers: BelayServer[] = [];

/** A server on a free port of 127.0.0.1, everybody of TOKENS known. */
export async function serve(site: Partial<Site>, given: Partial<Settings> = {}): Promise<BelayServer> {
  const settings = await readSettings({ port: 0, token: TOKENS.admin }, {});
  const tokens = Object.entries(TOKENS).map(([role, token]) => ({
    name: role,
    role: role as keyof typeof TOKENS,
    sha256: createHash("sha256").update(token).digest("hex"),
  }));
  const server = await startServer({ ...settings, tokens, ...given }, { site: { actions: {}, ...site } });
  servers.push(server);
  return server;
}

/** Ends every server of this file. */
export async function endAll(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.close()));
}

/** A request as that role; the body, if any, as JSON. */
export async function ask(
  server: BelayServer,
  path: string,
  options: { role?: keyof typeof TOKENS; method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  const { role = "admin", body, headers = {} } = options;
  const method = options.method ?? (body === undefined ? "GET" : "POST");
  return await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKENS[role]}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
