/**
 * Walls: which folder may import which, and the one door of every dependency. The arrows are the ones of docs/design.md.
 */
import type { HouseRule } from "./rule.ts";
import { packageOf, resolveRelative, type SourceTree } from "./tree.ts";

const ENGINE = "packages/engine/src/";

/** What the folders of the engine may import besides themselves. `type:` marks what may be imported as a type only. */
const ENGINE_WALLS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  core: ["plan/compiled.ts", "plan/number-set.ts"],
  plan: ["errors.ts"],
  // Records are bytes in canonical form, which a plan's identity is made of too.
  journal: ["errors.ts", "core/", "plan/identity.ts", "type:plan/"],
  runtime: ["errors.ts", "core/", "plan/", "journal/"],
  views: ["errors.ts", "core/", "plan/", "type:runtime/api.ts"],
  testing: ["errors.ts", "core/", "plan/", "journal/", "runtime/", "views/", "index.ts"],
  index: ["errors.ts", "core/", "plan/", "journal/", "runtime/", "views/"],
};

/**
 * Where a dependency comes in, a part of Node included, one door per package that uses it. One that is not listed may come in
 * through any one file.
 */
const DOORS: Readonly<Record<string, string | readonly string[]>> = {
  graphology: "packages/engine/src/plan/graph.ts",
  "graphology-dag": "packages/engine/src/plan/graph.ts",
  "p-queue": "packages/engine/src/runtime/pools.ts",
  eventemitter3: "packages/engine/src/runtime/emitter.ts",
  "@marcbachmann/cel-js": "packages/engine/src/plan/expression.ts",
  yaml: "packages/engine/src/plan/text.ts",
  valibot: [
    "packages/engine/src/plan/schema.ts",
    "packages/failover-plans/src/inventory/inventory.ts",
    "packages/server/src/settings/schema.ts",
  ],
  "@cfworker/json-schema": "packages/engine/src/plan/params.ts",
  commander: "packages/cli/src/grammar/",
  // The client, and the server half that tests and demos answer with: nothing else needs both.
  mysql2: [
    "packages/failover-plans/src/mysql-client/client.ts",
    "packages/failover-plans/src/oceanbase-server/protocol-server.ts",
  ],
  pg: ["packages/failover-plans/src/postgres/client.ts", "packages/engine/src/journal/postgres/client.ts"],
  fastify: "packages/server/src/",
  "node:sqlite": "packages/engine/src/journal/sqlite/connection.ts",
};

/** The command's printing is made of these: any file of the CLI may use them. */
const CLI_WIDE = new Set(["picocolors", "string-width"]);

export const WALLS: readonly HouseRule[] = [
  {
    sentence: "the engine's folders import one way only",
    violations: engineWalls,
    bad: [
      { [`${ENGINE}plan/check.ts`]: `import { step } from "../core/step.ts";` },
      { [`${ENGINE}plan/check.ts`]: `import type { Run } from "../runtime/api.ts";` },
      { [`${ENGINE}core/step.ts`]: `import { BelayError } from "../errors.ts";` },
      { [`${ENGINE}core/step.ts`]: `export const fs = import("node:fs");` },
      { [`${ENGINE}core/step.ts`]: `export * from "../plan/document.ts";` },
      { [`${ENGINE}core/step.ts`]: `export type Q = import("p-queue").default;` },
      { [`${ENGINE}journal/memory.ts`]: `import { definePlan } from "../plan/define.ts";` },
      { [`${ENGINE}views/ocp.ts`]: `import { createEngine } from "../runtime/engine.ts";` },
      { [`${ENGINE}errors.ts`]: `import type { Json } from "./plan/document.ts";` },
      { [`${ENGINE}extra/x.ts`]: `import { y } from "./y.ts";` },
    ],
    good: [
      { [`${ENGINE}core/step.ts`]: `import { NodeFlag } from "../plan/compiled.ts"; import { a } from "./a.ts";` },
      { [`${ENGINE}journal/memory.ts`]: `import { type Json } from "../plan/document.ts";` },
    ],
  },
  {
    sentence: "a package is imported only through its exports, and no import leaves its package",
    violations: packageWalls,
    bad: [
      {
        "packages/cli/src/main.ts": `import { x } from "@belay/engine/src/core/x.ts";`,
        "packages/engine/package.json": `{ "name": "@belay/engine", "exports": { ".": "./dist/index.js" } }`,
      },
      { "packages/cli/src/main.ts": `import { x } from "../../engine/src/core/x.ts";` },
      { "bench/main.ts": `import { x } from "../test/house/tree.ts";` },
      { "scripts/a.ts": `import { x } from "../bench/shapes.ts";` },
    ],
    good: [
      {
        "packages/cli/src/main.ts": `import { x } from "@belay/engine/core"; import { y } from "./y.ts";`,
        "packages/engine/package.json": `{ "name": "@belay/engine", "exports": { "./core": "./dist/core/index.js" } }`,
      },
      { "test/core/a.test.ts": `import { x } from "../../packages/engine/src/core/x.ts";` },
      { "test/bench/a.test.ts": `import { x } from "../../bench/shapes.ts";` },
    ],
  },
  {
    sentence: "nothing that ships imports the testing kit",
    violations: testingWall,
    bad: [
      { [`${ENGINE}index.ts`]: `export { ManualClock } from "./testing/clock.ts";` },
      { "packages/cli/src/main.ts": `import { ManualClock } from "@belay/engine/testing";` },
    ],
    good: [
      { "test/core/a.test.ts": `import { ManualClock } from "@belay/engine/testing";` },
      { [`${ENGINE}testing/index.ts`]: `export { ManualClock } from "./clock.ts";` },
    ],
  },
  {
    sentence: "every dependency comes in through one door",
    violations: doors,
    bad: [
      { [`${ENGINE}runtime/engine.ts`]: `import PQueue from "p-queue";` },
      { [`${ENGINE}plan/check.ts`]: `import { topologicalSort } from "graphology-dag/topological-sort";` },
      { [`${ENGINE}plan/a.ts`]: `import x from "unlisted";`, [`${ENGINE}plan/b.ts`]: `import y from "unlisted";` },
      { [`${ENGINE}journal/sqlite/journal.ts`]: `import { DatabaseSync } from "node:sqlite";` },
      { [`${ENGINE}journal/postgres/journal.ts`]: `import pg from "pg";` },
    ],
    good: [
      { [`${ENGINE}runtime/pools.ts`]: `import PQueue from "p-queue";` },
      { [`${ENGINE}journal/postgres/client.ts`]: `import pg from "pg";` },
      { [`${ENGINE}plan/a.ts`]: `import x from "unlisted";` },
      { [`${ENGINE}journal/sqlite/connection.ts`]: `import { DatabaseSync } from "node:sqlite";` },
      { [`${ENGINE}plan/a.ts`]: `import fs from "node:fs";`, [`${ENGINE}plan/b.ts`]: `import fs from "node:fs";` },
    ],
  },
];

function engineWalls(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/^packages\/engine\/src\/.*\.ts$/)) {
    const ring = path.slice(ENGINE.length).replace(/(\/|\.ts$).*/, "");
    const allowed = ENGINE_WALLS[ring];
    if (allowed === undefined) {
      wrong.push(`${path}: ${ring} is no part of the engine: add it to the walls and to docs/design.md`);
      continue;
    }
    for (const { specifier, typeOnly } of tree.imports(path)) {
      if (!mayImport(path, ring, specifier, typeOnly)) wrong.push(`${path}: ${ring} does not import ${specifier}`);
    }
  }
  return wrong;
}

function mayImport(path: string, ring: string, specifier: string, typeOnly: boolean): boolean {
  if (!specifier.startsWith(".")) return ring !== "core" && ring !== "errors";
  const target = resolveRelative(path, specifier).replace(ENGINE, "");
  if (target.startsWith(`${ring}/`)) return true;
  return (ENGINE_WALLS[ring] ?? []).some((allowed) => {
    const [place, needsType] = allowed.startsWith("type:") ? [allowed.slice(5), true] : [allowed, false];
    return (place.endsWith("/") ? target.startsWith(place) : target === place) && (typeOnly || !needsType);
  });
}

/** `packages/<name>` or the first folder: what a relative import may not leave. */
function homeOf(path: string): string {
  return path
    .split("/")
    .slice(0, path.startsWith("packages/") ? 2 : 1)
    .join("/");
}

function packageWalls(tree: SourceTree): string[] {
  const exports = exportsByPackage(tree);
  const wrong: string[] = [];
  for (const path of tree.paths(/\.(ts|js)$/)) {
    for (const { specifier } of tree.imports(path)) {
      if (specifier.startsWith(".")) {
        const target = resolveRelative(path, specifier);
        // Tests and scripts may look inside; bench measures what users get, and is itself tested.
        const inside =
          (/^(test|scripts)\//.test(path) && /^(packages|scripts)\//.test(target)) ||
          (path.startsWith("test/") && target.startsWith("bench/"));
        if (homeOf(target) !== homeOf(path) && !inside) wrong.push(`${path}: ${specifier} leaves ${homeOf(path)}`);
      } else if (specifier.startsWith("@belay/")) {
        const name = packageOf(specifier);
        const entry = `.${specifier.slice(name.length)}`;
        const known = exports.get(name) ?? [];
        if (!known.some((pattern) => matches(pattern, entry))) wrong.push(`${path}: ${specifier} is not exported`);
      }
    }
  }
  return wrong;
}

function exportsByPackage(tree: SourceTree): Map<string, string[]> {
  const exports = new Map<string, string[]>();
  for (const path of tree.paths(/^packages\/[^/]+\/package\.json$/)) {
    const manifest = tree.json(path);
    exports.set(String(manifest["name"]), Object.keys((manifest["exports"] ?? {}) as object));
  }
  return exports;
}

function matches(pattern: string, entry: string): boolean {
  return pattern.endsWith("*") ? entry.startsWith(pattern.slice(0, -1)) : entry === pattern;
}

function testingWall(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/^packages\/.*\.(ts|js)$/)) {
    if (path.startsWith(`${ENGINE}testing/`)) continue;
    for (const { specifier } of tree.imports(path)) {
      const target = specifier.startsWith(".") ? resolveRelative(path, specifier) : specifier;
      if (target === "@belay/engine/testing" || target.startsWith(`${ENGINE}testing/`)) {
        wrong.push(`${path}: imports ${specifier}`);
      }
    }
  }
  return wrong;
}

function doors(tree: SourceTree): string[] {
  const users = new Map<string, Set<string>>();
  for (const path of tree.paths(/^packages\/[^/]+\/(src|bin)\/.*\.(ts|js)$/)) {
    for (const { specifier, typeOnly } of tree.imports(path)) {
      // A type from a package that has nothing else (a specification) needs no door.
      const listed = DOORS[packageOf(specifier)] !== undefined;
      const free = !listed && (/^(\.|node:|@belay\/)/.test(specifier) || typeOnly);
      if (free || CLI_WIDE.has(packageOf(specifier))) continue;
      const paths = users.get(packageOf(specifier)) ?? new Set();
      users.set(packageOf(specifier), paths.add(path));
    }
  }
  return [...users].flatMap(([name, paths]) => {
    const doors = [DOORS[name] ?? [...paths].slice(0, 1)].flat();
    const isDoor = (path: string): boolean =>
      doors.some((door) => (door.endsWith("/") ? path.startsWith(door) : path === door));
    return [...paths]
      .filter((path) => !isDoor(path))
      .map((path) => `${path}: ${name} comes in through ${doors.join(" or ")}`);
  });
}
