/**
 * The inventory: which clusters there are, their nodes, and where their secrets are kept. A file that people write (YAML or JSON); no
 * secret stands in it, only where to find it, so that neither the file nor a journal ever holds one.
 * Owns: the shape, its check, and the reading of secrets. Does not own: what is made of it (one function per system).
 */
import { readFile } from "node:fs/promises";
import { BelayError, type Diagnostic, formatDiagnostic, type Json, readDocument } from "@belay/engine";
import * as v from "valibot";
import { faultOfBaseUrl } from "../fencing/http-fence.ts";

/** Where a secret is kept: an environment variable, or a file whose text it is (a line end at its end is not part of it). */
export type SecretReference = { readonly env: string } | { readonly file: string };

/** One server. */
export interface InventoryNode {
  /** Name used in plan parameters, locks and reports. */
  readonly name: string;
  /** Address that the controller, and the other nodes, connect to. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Preference among equally advanced ones, 0 to 1000; the higher number wins. Default 100. */
  readonly priority: number;
}

/** What ends a node for certain; the contracts are those of `commandFence` and `httpFence`. */
export type InventoryFence =
  | {
      readonly command: {
        readonly fence: string[];
        readonly state: string[];
        /** Default 30. */
        readonly timeoutSeconds?: number | undefined;
      };
    }
  | { readonly http: { readonly url: string; readonly token?: SecretReference | undefined } };

/** One cluster. */
export interface InventoryCluster {
  readonly system: "postgres" | "mariadb" | "mysql" | "polardb" | "oceanbase";
  /** As whom the plans connect. */
  readonly user: string;
  readonly password?: SecretReference | undefined;
  readonly database?: string | undefined;
  /** Directory of the route; see `openRoute`. */
  readonly route: string;
  /** Directory of the log of recoveries; see `openRecoveryLog`. */
  readonly recoveries: string;
  /** Default: what the caller's control does. */
  readonly fence?: InventoryFence | undefined;
  readonly nodes: readonly InventoryNode[];
}

/** The file, checked. */
export interface Inventory {
  /** Version of the format. */
  readonly inventory: 1;
  /** By name, as the plans' `cluster` parameter has it. */
  readonly clusters: Readonly<Record<string, InventoryCluster>>;
}

const word = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "letters, digits, '.', '_' and '-', at most 63"),
);
const host = v.pipe(
  v.string(),
  v.regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:][0-9A-Fa-f:.]{1,44})$/,
    "a host name, or an address without brackets",
  ),
);
const port = v.pipe(
  v.number(),
  v.integer("a whole number"),
  v.minValue(1, "from 1"),
  v.maxValue(65_535, "up to 65535"),
);
const command = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1, "a word"))),
  v.minLength(1, "a program and its words"),
);

const secret = v.union(
  [
    v.strictObject({ env: v.pipe(v.string(), v.minLength(1)) }),
    v.strictObject({ file: v.pipe(v.string(), v.minLength(1)) }),
  ],
  "a secret is named, never written here: { env: NAME } or { file: PATH }",
);

const node = v.strictObject({
  name: word,
  host,
  port,
  priority: v.optional(v.pipe(v.number(), v.integer("a whole number"), v.minValue(0), v.maxValue(1000)), 100),
});

/** A fence that takes longer is none; the plans' own limits are far below. */
const timeoutSeconds = v.pipe(v.number(), v.gtValue(0, "seconds, above 0"), v.maxValue(3600, "at most 3600 s"));

/** The URL is not repeated: people write passwords into them. */
const checkUrl: Parameters<typeof v.rawCheck<string>>[0] = ({ dataset, addIssue }) => {
  const fault = dataset.typed ? faultOfBaseUrl(dataset.value) : undefined;
  if (fault !== undefined) addIssue({ message: fault });
};

const fence = v.union(
  [
    v.strictObject({
      command: v.strictObject({ fence: command, state: command, timeoutSeconds: v.optional(timeoutSeconds) }),
    }),
    v.strictObject({
      http: v.strictObject({ url: v.pipe(v.string(), v.rawCheck(checkUrl)), token: v.optional(secret) }),
    }),
  ],
  'a fence is { command: { fence: [...], state: [...] } } or { http: { url: "https://..." } }',
);

const cluster = v.strictObject({
  system: v.picklist(["postgres", "mariadb", "mysql", "polardb", "oceanbase"]),
  user: v.pipe(v.string(), v.minLength(1)),
  password: v.optional(secret),
  database: v.optional(v.pipe(v.string(), v.minLength(1))),
  route: v.pipe(v.string(), v.minLength(1)),
  recoveries: v.pipe(v.string(), v.minLength(1)),
  fence: v.optional(fence),
  nodes: v.pipe(
    v.array(node),
    v.minLength(1, "at least one node"),
    v.check((nodes) => new Set(nodes.map(({ name }) => name)).size === nodes.length, "two nodes have the same name"),
    v.check(
      (nodes) => new Set(nodes.map((one) => `${one.host}:${one.port}`)).size === nodes.length,
      "two nodes have the same host and port",
    ),
  ),
});

const schema: v.GenericSchema<unknown, Inventory> = v.strictObject({
  inventory: v.literal(1),
  clusters: v.record(word, cluster),
});

/**
 * Reads the text of an inventory, YAML or JSON. Throws INVALID_ARGUMENT, naming every place and what is expected there.
 */
export function parseInventory(
  text: string,
  { filename = "inventory" }: { readonly filename?: string } = {},
): Inventory {
  const { value, diagnostics } = readDocument(text, { filename });
  if (value === undefined) {
    throw invalid(diagnostics.map((diagnostic) => formatDiagnostic(withoutText(diagnostic), filename)));
  }
  const checked = v.safeParse(schema, value);
  if (checked.success) return checked.output;
  throw invalid(
    checked.issues.map((issue) => {
      const place = v.getDotPath(issue) ?? "";
      return `${filename}: ${place === "" ? "" : `${place}: `}${issue.message}`;
    }),
  );
}

/** What a parser says of a text that is no YAML may end with a piece of it, and that may be a secret. */
function withoutText(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== "SYNTAX") return diagnostic;
  return { ...diagnostic, message: diagnostic.message.replace(/: .*$/s, "") };
}

function invalid(lines: readonly string[]): BelayError {
  return new BelayError("INVALID_ARGUMENT", `the inventory has errors:\n${lines.join("\n")}`, {
    errors: lines as Json,
  });
}

/** The cluster of that name. NOT_FOUND names those there are. */
export function clusterNamed({ clusters }: Inventory, name: string): InventoryCluster {
  const found = Object.hasOwn(clusters, name) ? clusters[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(clusters);
  throw new BelayError("NOT_FOUND", `the inventory has no cluster "${name}"; there are ${known.join(", ") || "none"}`, {
    known,
  });
}

/** What is kept there. ENVIRONMENT when it is missing or empty; `what` says which secret that is. The text is in no message. */
export async function readSecret(reference: SecretReference, what: string): Promise<string> {
  if ("env" in reference) {
    const value = process.env[reference.env];
    if (value !== undefined && value !== "") return value;
    throw new BelayError("ENVIRONMENT", `${what}: set the environment variable ${reference.env}`);
  }
  const text = await readFile(reference.file, "utf8").catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw new BelayError("ENVIRONMENT", `${what}: the file ${reference.file} cannot be read (${code})`, {}, error);
  });
  const value = text.replace(/\r?\n$/, "");
  if (value !== "") return value;
  throw new BelayError("ENVIRONMENT", `${what}: the file ${reference.file} is empty`);
}
