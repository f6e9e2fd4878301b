/** The site of a server: the module that the settings name, the demo's, or none. Owns: the words when a module is no site. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BelayError } from "@belay/engine";
import type { Settings } from "./settings/settings.ts";
import type { Site } from "./site.ts";

/** Loads it; what a module's function throws is told as the module's. Fails with ENVIRONMENT, INVALID_ARGUMENT. */
export async function loadSite({ site, demo, data }: Settings, log: (line: string) => void): Promise<Site> {
  if (demo) {
    const { demoSite } = await import("./demo/index.ts");
    return await demoSite({ dataDir: data, log });
  }
  if (site === null) return { actions: {} };
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(site)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new BelayError("ENVIRONMENT", `cannot load the site ${site}: ${reasonOf(error, site)}`, {}, error);
  }
  const found = module["site"] ?? module["default"];
  let made: unknown;
  try {
    made = typeof found === "function" ? await found() : found;
  } catch (error) {
    throw new BelayError("ENVIRONMENT", `the site ${site} failed: ${reasonOf(error, site)}`, {}, error);
  }
  const { actions } = Object(made) as Partial<Site>;
  if (typeof actions === "object" && actions !== null) return made as Site;
  throw new BelayError(
    "INVALID_ARGUMENT",
    `${site} must export \`site\`: { actions, ... } or a function that makes one`,
  );
}

/** One line. Who imported what is of no use to the author; where a syntax error stands Node keeps to itself. */
function reasonOf(error: unknown, file: string): string {
  if (!(error instanceof Error)) return String(error);
  const message = (error.message.split("\n")[0] ?? "").replace(/ imported from .*$/, "");
  return error instanceof SyntaxError ? `${message}; node --check ${file} says where` : message;
}
