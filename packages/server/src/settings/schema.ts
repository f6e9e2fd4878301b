/** The configuration file's shape, checked. Owns: what may stand in it, and the words when it does not fit. */
import { isIP } from "node:net";
import type { SecretReference } from "@belay/failover-plans";
import * as v from "valibot";
import type { Role } from "../access/principal.ts";

/** Somebody who may log in. */
interface FilePrincipal {
  /** Shown in audit trails; of a user, the login name. */
  readonly name: string;
  readonly role: Role;
  /** See `Principal.plans`. */
  readonly plans?: readonly string[] | undefined;
}

/** The file, checked. All of it may be absent; a variable or a flag of the same meaning counts before it. */
export interface FileSettings {
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  /** Names under which clients reach the server. */
  readonly hostNames?: readonly string[] | undefined;
  /** Addresses or CIDRs of proxies whose X-Forwarded-For is believed. */
  readonly proxies?: readonly string[] | undefined;
  /** Directory of journal and audit log. */
  readonly data?: string | undefined;
  /** postgres://... */
  readonly journal?: string | undefined;
  /** Path of the site's module. */
  readonly site?: string | undefined;
  /** Directories of plans. */
  readonly plans?: readonly string[] | undefined;
  /** Attempts at once over all runs. */
  readonly concurrency?: number | undefined;
  /** Days for which runs that have ended are kept; a client token is known as long as its run. Absent = for ever. */
  readonly keepEndedDays?: number | undefined;
  readonly tokens?: readonly (FilePrincipal & { readonly sha256: string })[] | undefined;
  readonly users?: readonly (FilePrincipal & { readonly password: SecretReference })[] | undefined;
  readonly accessKeys?:
    | readonly (FilePrincipal & { readonly id: string; readonly secret: SecretReference })[]
    | undefined;
  readonly limits?:
    | {
        /** Bytes of a request's body. */
        readonly bodyBytes?: number | undefined;
        /** Requests of one address per minute; 0 = no limit. */
        readonly perMinute?: number | undefined;
      }
    | undefined;
  readonly ocp?:
    | {
        /** Minutes east of UTC in which OCP's API writes times. */
        readonly utcOffsetMinutes?: number | undefined;
      }
    | undefined;
  readonly polardb?:
    | {
        /** Seconds after a switch for which the next one of the cluster is refused; 0 = none. */
        readonly switchIntervalSeconds?: number | undefined;
      }
    | undefined;
}

const text = v.pipe(v.string("a text"), v.minLength(1, "a text that is not empty"));
const whole = (least: number, most: number): v.GenericSchema<unknown, number> =>
  v.pipe(
    v.number("a number"),
    v.integer("a whole number"),
    v.minValue(least, `from ${least}`),
    v.maxValue(most, `up to ${most}`),
  );

/** Where a secret is kept; it never stands in the file. */
const secret = v.union(
  [v.strictObject({ env: text }), v.strictObject({ file: text })],
  "a secret is named, never written here: { env: NAME } or { file: PATH }",
);

const principal = {
  name: text,
  role: v.picklist(["viewer", "operator", "admin"], "viewer, operator or admin"),
  plans: v.optional(v.array(text, "a list of plan names; * at the end of one stands for any rest")),
};

/** Not `/0`: everybody would be a proxy, and every client could say that it is another one. */
function isNetwork(value: string): boolean {
  const [address = "", bits, ...more] = value.split("/");
  const family = isIP(address);
  if (family === 0 || address.includes("%") || more.length > 0) return false;
  return bits === undefined || (/^[1-9][0-9]{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Of a URL, as a part of the address or as a parameter. */
function hasPassword(url: string): boolean {
  return /^[a-z]+:\/\/[^/?#@]*:[^/?#@]+@/i.test(url) || /[?&]password=/i.test(url);
}

const journal = v.pipe(
  text,
  v.check(
    (url) => !hasPassword(url),
    "its password is never written here: set PGPASSWORD, or all of it as BELAY_JOURNAL",
  ),
);

const network = v.pipe(text, v.check(isNetwork, "an address such as 10.0.0.2, or a network such as 10.0.0.0/24"));

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hex digits: printf %s TOKEN | sha256sum"));

const fileSchema: v.GenericSchema<unknown, FileSettings> = v.strictObject({
  listen: v.optional(v.strictObject({ host: v.optional(text), port: v.optional(whole(0, 65_535)) })),
  hostNames: v.optional(v.array(v.pipe(text, v.toLowerCase()))),
  proxies: v.optional(v.array(network)),
  data: v.optional(text),
  journal: v.optional(journal),
  site: v.optional(text),
  plans: v.optional(v.array(text)),
  concurrency: v.optional(whole(1, 1_000_000)),
  keepEndedDays: v.optional(whole(1, 36_500)),
  tokens: v.optional(v.array(v.strictObject({ ...principal, sha256 }))),
  users: v.optional(v.array(v.strictObject({ ...principal, password: secret }))),
  accessKeys: v.optional(v.array(v.strictObject({ ...principal, id: text, secret }))),
  limits: v.optional(
    v.strictObject({
      bodyBytes: v.optional(whole(1024, 2 ** 28)),
      perMinute: v.optional(whole(0, 1_000_000)),
    }),
  ),
  ocp: v.optional(v.strictObject({ utcOffsetMinutes: v.optional(whole(-1439, 1439)) })),
  polardb: v.optional(v.strictObject({ switchIntervalSeconds: v.optional(whole(0, 86_400)) })),
});

/** What is wrong with a document, one sentence for each place; empty when it fits. */
export function faultsOf(document: unknown): { readonly settings: FileSettings } | { readonly faults: string[] } {
  const result = v.safeParse(fileSchema, document);
  if (result.success) return { settings: result.output };
  return {
    faults: result.issues.map((issue) => {
      const place = (v.getDotPath(issue) ?? "the file").replaceAll(/\.(\d+)(?=\.|$)/g, "[$1]");
      if (issue.type === "strict_object" && issue.expected === "never") return `${place}: there is no such setting`;
      if (issue.type === "strict_object") return `${place}: it is missing`;
      return `${place}: ${issue.message}`;
    }),
  };
}
