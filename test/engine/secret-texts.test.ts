/** Finding secrets in texts and values (R46). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SecretTexts } from "../../packages/engine/src/runtime/secret-texts.ts";

function knowing(...secrets: (string | number)[]): SecretTexts {
  const texts = new SecretTexts();
  for (const secret of secrets) texts.learn(secret);
  return texts;
}

const b64 = (text: string): string => Buffer.from(text).toString("base64");

describe("R46: texts", () => {
  test.each<[string, (string | number)[], string, string]>([
    ["as it is", ["hunter2"], "it is hunter2!", "it is [secret]!"],
    ["alone", ["hunter2"], "hunter2", "[secret]"],
    ["twice", ["hunter2"], "hunter2hunter2 hunter2", "[secret][secret] [secret]"],
    ["not at all", ["hunter2"], "hunter1 hunter", "hunter1 hunter"],
    ["a number", [48213], "pin 48213.", "pin [secret]."],
    ["the longer of two", ["pass", "password"], "password", "[secret]"],
    ["two that overlap", ["abcdef", "defghi"], "-abcdefghi-", "-[secret]-"],
    ["one inside another", ["cdef", "abcdefgh"], "abcdefgh", "[secret]"],
    ["in JSON", ['a"b\\c\n'], JSON.stringify({ x: 'a"b\\c\n' }), '{"x":"[secret]"}'],
    ["in JSON in JSON", ['a"bc'], JSON.stringify(JSON.stringify('a"bc')), JSON.stringify('"[secret]"')],
    ["in a URL", ["p@ss/w rd"], "pg://u:p%40ss%2Fw%20rd@h", "pg://u:[secret]@h"],
    ["in a URL, in small letters", ["p@ss/w"], "pg://u:p%40ss%2fw@h", "pg://u:[secret]@h"],
    ["in a form", ["p@ss w"], "a=p%40ss+w&b=1", "a=[secret]&b=1"],
    ["in hex", ["hunter2"], "\\x68756e74657232", "\\x[secret]"],
    ["in hex, in capitals", ["key\u00ff"], `0x${Buffer.from("key\u00ff").toString("hex").toUpperCase()}`, "0x[secret]"],
    ["in base64", ["hunter2"], b64("hunter2"), "[secret]"],
    ["without the line end it was read with", ["hunter2\n"], "it is hunter2.", "it is [secret]."],
    ["a line of a key", ["-----BEGIN\r\nMIIEvQIBADANB\r\n"], "at MIIEvQIBADANB:", "at [secret]:"],
    ["letters of other scripts", ["пароль"], "это пароль!", "это [secret]!"],
  ])("R46: a secret is found %s", (_, secrets, text, expected) => {
    expect(knowing(...secrets).scrub(text)).toBe(expected);
  });

  test("R46: in base64 it is found wherever the text around it puts it", () => {
    for (const before of ["", "u", "us", "user:"]) {
      const scrubbed = knowing("hunter2").scrub(b64(`${before}hunter2 and more`));
      expect(scrubbed).toContain("[secret]");
      expect(Buffer.from(scrubbed.replace("[secret]", ""), "base64").toString()).not.toContain("unter");
    }
  });

  test("R46: fewer than four characters are found alone only, so that texts stay readable", () => {
    const texts = knowing("abc", 12, "");
    expect(texts.scrub("abc of abc 12")).toBe("abc of abc 12");
    expect(texts.scrub("abc")).toBe("[secret]");
    expect(texts.mask(["abc", "12", 12, 123, ""])).toEqual(["[secret]", "[secret]", "[secret]", 123, ""]);
  });

  test("R46: nothing known costs no copy of a text", () => {
    const texts = new SecretTexts();
    expect(texts.any).toBe(false);
    expect(texts.scrub("text")).toBe("text");
    expect(texts.hides("text")).toBe(false);
  });
});

describe("R46: values", () => {
  test("R46: a value keeps its form but for what shows a secret; a mapping with such a key is hidden whole", () => {
    const value = { a: ["x hunter2 y", 1, true, null], b: { c: 48213, hunter2: 1 }, d: { e: 148213 } };
    expect(knowing("hunter2", 48213).mask(value)).toEqual({
      a: ["x [secret] y", 1, true, null],
      b: "[secret]",
      d: { e: 148213 },
    });
  });

  test("R46: which secrets a value shows is known, in keys and in any form", () => {
    const texts = knowing("hunter2", "other-one", 48213, "abc");
    const value = { [`k${b64("hunter2")}`]: [48213], x: "abc", y: "abcd" };
    expect([...texts.foundIn(value)].sort()).toEqual(["48213", "abc", "hunter2"]);
  });

  test("R46: deep and wide values are searched without a stack", () => {
    let deep: unknown = "hunter2";
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];
    const wide = Array.from({ length: 200_000 }, () => "hunter2");
    expect(knowing("hunter2").foundIn([deep, wide] as never)).toEqual(["hunter2"]);
    expect((knowing("hunter2").mask(wide as never) as string[]).every((text) => text === "[secret]")).toBe(true);
  });

  test("R46: whatever is drawn, no secret is left, and what is around them stays", () => {
    const secret = fc
      .string({ minLength: 4, maxLength: 12, unit: "grapheme" })
      .filter((text) => !"[secret]".includes(text));
    const around = fc.string({ maxLength: 6, unit: fc.constantFrom("#", "~", "^") });
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.array(around, { minLength: 5, maxLength: 5 }),
        (secrets, gaps) => {
          fc.pre(secrets.every((one) => !/[#~^]/.test(one)));
          const texts = knowing(...secrets);
          const text = gaps.map((gap, at) => gap + (secrets[at] ?? "")).join("");
          const scrubbed = texts.scrub(text);
          const rest = scrubbed.replaceAll("[secret]", "");
          for (const one of secrets) expect(rest.includes(one) && !gaps.join("").includes(one)).toBe(false);
          expect(rest).toBe(gaps.join(""));
        },
      ),
      { numRuns: 500 },
    );
  });
});
