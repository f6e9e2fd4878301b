/** Parameters on the command line: typed by the plan's schema, refused with one clear line. */
import type { Json } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { type Params, parseParams, withoutSecret } from "../../packages/cli/src/params.ts";
import { UsageError } from "../../packages/cli/src/usage-error.ts";

const SCHEMA: Readonly<Record<string, Json>> = {
  type: "object",
  properties: {
    name: { type: "string" },
    count: { type: "integer" },
    ratio: { type: "number" },
    force: { type: "boolean" },
    nodes: { type: "array" },
    limits: { $ref: "#/$defs/limits" },
    either: { type: ["string", "integer", "null"] },
    free: {},
  },
  $defs: { limits: { type: "object" } },
};

const FILES: Readonly<Record<string, Params>> = { "a.json": { name: "file", count: 1 } };

function parse(words: readonly string[], schema: Readonly<Record<string, Json>> | null = SCHEMA): Promise<Params> {
  return parseParams(words, schema ?? undefined, async (path) => {
    const found = FILES[path];
    if (found === undefined) throw new UsageError(`cannot read ${path}: no such file`);
    return found;
  });
}

describe("a value takes the type that the schema gives its name", () => {
  test.each<[string, Json]>([
    ["name=5", { name: "5" }],
    ["name=", { name: "" }],
    ["name=a=b", { name: "a=b" }],
    ["count=-3", { count: -3 }],
    ["ratio=2.5e-1", { ratio: 0.25 }],
    ["force=true", { force: true }],
    ["force=false", { force: false }],
    ['nodes=["a","b"]', { nodes: ["a", "b"] }],
    ['limits={"a":1}', { limits: { a: 1 } }],
    ["either=7", { either: 7 }],
    ["either=null", { either: null }],
    ["either=seven", { either: "seven" }],
    ["free=[1]", { free: [1] }],
    ["free=plain", { free: "plain" }],
  ])("%s", async (word, expected) => {
    expect(await parse([word])).toEqual(expected);
  });

  test("names are taken as JSON or text when the plan declares no parameters at all", async () => {
    expect(await parse(["a=1", "b=x", "c=null", '__proto__={"a":1}'], null)).toEqual(
      Object.fromEntries<unknown>([
        ["a", 1],
        ["b", "x"],
        ["c", null],
        ["__proto__", { a: 1 }],
      ]),
    );
  });

  test("a later word wins over an earlier one and over a file", async () => {
    expect(await parse(["name=x", "@a.json", "count=2"])).toEqual({ name: "file", count: 2 });
  });
});

describe("what does not fit is refused with one line", () => {
  test.each([
    ["count=2.5", 'parameter count takes a whole number, not "2.5"'],
    ["count=9007199254740993", 'parameter count takes a whole number, not "9007199254740993"'],
    ["ratio=0x10", 'parameter ratio takes a number, not "0x10"'],
    ["ratio=", 'parameter ratio takes a number, not ""'],
    ["force=yes", 'parameter force takes true or false, not "yes"'],
    ["nodes=a,b", 'parameter nodes takes a JSON list such as ["a","b"], not "a,b"'],
    ["limits=[]", 'parameter limits takes a JSON object such as {"a":1}, not "[]"'],
    ["plan.yaml", '--params takes name=value or @file, not "plan.yaml"'],
    ["=x", '--params takes name=value or @file, not "=x"'],
    ["@b.json", "cannot read b.json: no such file"],
  ])("%s", async (word, message) => {
    await expect(parse([word])).rejects.toThrow(new UsageError(message));
  });

  test("an unknown name is refused with the nearest known one", async () => {
    await expect(parse(["cuont=1"])).rejects.toThrow(
      /^unknown parameter "cuont" \(did you mean "count"\?\); the plan has/,
    );
  });

  test("everything that is wrong is told at once, what is missing too", async () => {
    const schema = { ...SCHEMA, required: ["name", "count", "ratio"] };
    const error = (await parse(["count=x", "nmae=y", "force=1", "@b.json"], schema).catch(
      (thrown) => thrown,
    )) as UsageError;
    expect(error.faults.map((fault) => fault.split(";")[0])).toEqual([
      'parameter count takes a whole number, not "x"',
      'unknown parameter "nmae" (did you mean "name"?)',
      'parameter force takes true or false, not "1"',
      "cannot read b.json: no such file",
    ]);
    const alone = (await parse(["count=x", "name=y"], schema).catch((thrown) => thrown)) as UsageError;
    expect(alone.faults.at(-1)).toBe("parameter ratio is missing");
  });

  test("a secret's value is shown neither in messages nor in commands", async () => {
    const secret = { type: "integer", "x-secret": true };
    const schema = {
      properties: { pin: secret, key: { $ref: "#/$defs/key" }, plain: { type: "integer" } },
      $defs: { key: { type: "object", properties: { pin: secret } } },
    };
    await expect(parse(["pin=hunter2"], schema)).rejects.toThrow(new UsageError("parameter pin takes a whole number"));
    await expect(parse(["key=hunter2"], schema)).rejects.not.toThrow(/hunter2/);
    expect(["pin=1", "key={}", "plain=1", "@pin=1", "pin"].map((word) => withoutSecret(word, schema))).toEqual([
      "pin=<secret>",
      "key=<secret>",
      "plain=1",
      "@pin=1",
      "pin",
    ]);
  });

  test("a schema that refers to itself in a ring ends", async () => {
    const ring = { properties: { a: { $ref: "#/properties/a" } } };
    expect(await parse(["a=1"], ring)).toEqual({ a: 1 });
  });
});
