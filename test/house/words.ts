/**
 * Words: what the text of the project does not contain. The patterns are written so that they do not match themselves.
 */
import type { HouseRule } from "./rule.ts";
import type { SourceTree } from "./tree.ts";

const SOURCES = /\.(ts|js)$/;

export const WORDS: readonly HouseRule[] = [
  {
    sentence: "what is left to do names its issue",
    violations: (tree) => matches(tree, /./, /\b(TO[D]O|FI[X]ME|HA[C]K|X[X]X)\b(?!\(#\d+\))/),
    bad: [{ "a.ts": `// ${"TO"}DO: later` }, { "docs/a.md": `${"FIX"}ME` }],
    good: [{ "a.ts": `// ${"TO"}DO(#12): later` }],
  },
  {
    sentence: "no file names a path of one machine",
    violations: (tree) => matches(tree, /./, /(?<![\w.:/}*-])\/(home|Users|root|work|mnt|tmp|opt|var\/tmp)\/[\w.-]/),
    bad: [
      { "a.ts": `const a = "${"/ho"}me/me/x";` },
      { "docs/a.md": `see ${"/tm"}p/x` },
      { "x/run": `cd ${"/wor"}k/main` },
    ],
    good: [{ "a.ts": `import "./opt/x.ts"; const url = "https://host/opt/x"; const b = "$HOME/x";` }],
  },
  {
    sentence: "no file names the host of a package registry",
    violations: (tree) =>
      matches(tree, /./, /https?:\/\/[a-z0-9.-]*(registry|mirror|npmjs)[a-z0-9.-]*|"resolved": "https?:/),
    bad: [
      { "package-lock.json": `"resolved": "${"https"}://host/x.tgz"` },
      { ".npmrc": `@x:registry=${"https"}://registry.example.org/` },
    ],
    good: [{ "package-lock.json": `"resolved": "packages/engine"`, "README.md": "https://json-schema.org/draft" }],
  },
  {
    sentence: "no file speaks of how it was written",
    violations: (tree) =>
      matches(
        tree,
        /./,
        /\bsub-?a[g]ents?\b|\b(AI|coding) a[s]sistants?\b|\bL[L]Ms?\b|\bthis s[e]ssion\b|\bthe b[r]ief\b/i,
      ),
    bad: [{ "a.ts": `// as ${"the br"}ief says` }, { "docs/a.md": `found in ${"this ses"}sion` }],
    good: [{ "a.ts": "// the agent of OCP; a database session" }],
  },
  {
    sentence: "no comment is a banner or a licence header",
    violations: (tree) =>
      matches(tree, SOURCES, /^\s*(\/\/|\*|\/\*\*?)\s*([-=*#~_]{4,}|.*SPDX-Lic[e]nse|.*Licensed und[e]r)/m),
    bad: [
      { "a.ts": `// ${"-".repeat(8)}` },
      { "a.ts": `/* ${"====="} parts ${"====="} */` },
      { "a.ts": `// ${"SPDX"}-License: x` },
    ],
    good: [{ "a.ts": "/** A table. */ // - one" }],
  },
  {
    sentence: "a suppressed check says why",
    violations: (tree) =>
      matches(
        tree,
        SOURCES,
        /@ts-(ignore|nocheck)\b|@ts-expect-error\s*(\*\/)?$|biome-ignore(?!.*: \S+ \S+)|\bas any\b(?!.*biome)/m,
      ),
    bad: [
      { "a.ts": `// @ts-${"ignore"}: because of this` },
      { "a.ts": `// @ts-${"expect-error"}` },
      { "a.ts": `// biome-${"ignore"} lint/suspicious/noExplicitAny:` },
    ],
    good: [{ "a.ts": `// biome-${"ignore"} lint/suspicious/noExplicitAny: a registry holds actions of any input.` }],
  },
  {
    sentence: "R-rules that are cited exist in docs/semantics.md",
    violations: unknownRules,
    bad: [
      { "docs/semantics.md": "- **R1** x", "a.ts": "// R2 says so" },
      { "docs/semantics.md": "- **R1** x", "test/a.test.ts": `test("R99: no such rule")` },
    ],
    good: [{ "docs/semantics.md": "- **R1** x", "a.ts": "// R1; not R2D2, 0xR2 or MR2" }],
  },
];

/** Every line of a file in which the pattern is found. */
function matches(tree: SourceTree, files: RegExp, pattern: RegExp): string[] {
  return tree.paths(files).flatMap((path) => {
    const lines = tree.text(path).split("\n");
    return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []));
  });
}

function unknownRules(tree: SourceTree): string[] {
  const contract = "docs/semantics.md";
  if (!tree.has(contract)) return [`${contract}: missing`];
  const known = new Set([...tree.text(contract).matchAll(/^- \*\*(R\d+)\*\*/gm)].map(([, rule]) => rule));
  return tree
    .paths(/\.(ts|md)$/)
    .filter((path) => path !== "test/house/words.ts")
    .flatMap((path) =>
      [...tree.text(path).matchAll(/(?<![\w.])R\d+(?!\w)/g)]
        .filter(([rule]) => !known.has(rule))
        .map(([rule]) => `${path}: ${rule} is no rule of ${contract}`),
    );
}
