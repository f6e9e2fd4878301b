/**
 * R45, R50: a run leaves any journal as lines of JSON and comes back as it was; an export that was changed is refused.
 */
import { BelayError } from "@belay/engine";
import { exportRun, type JournalRecord, MemoryJournal, readExport } from "@belay/engine/journal";
import { describe, expect, test } from "vitest";
import { sampleHeader } from "./sample-run.ts";

const RECORDS: readonly JournalRecord[] = [
  { seq: 0, input: { kind: "start", at: 1 } },
  {
    seq: 1,
    input: { kind: "succeeded", at: 2, node: 0, attempt: 1 },
    payload: { b: [1.5, "ü\u2028"], a: { ["__proto__"]: 1 } },
  },
  {
    seq: 2,
    input: { kind: "succeeded", at: 2, node: 1, attempt: 1 },
    payload: ["\ud800", { "\udfff": 1, "10": 2, "9": 3 }],
  },
  { seq: 3, input: { kind: "pause", at: 3 }, payload: null },
];

function journalWith(records: readonly JournalRecord[]): MemoryJournal {
  const journal = new MemoryJournal();
  const result = journal.create("engine", sampleHeader("run-1"), []);
  if (result.kind !== "created") throw new Error("the journal is new");
  journal.append(result.lease, records, { status: "RUNNING", ended: false, at: 3 });
  return journal;
}

async function linesOf(records: readonly JournalRecord[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportRun(journalWith(records), "run-1")) lines.push(line);
  return lines;
}

async function refusal(lines: readonly string[]): Promise<string> {
  const error = await readExport(lines).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BelayError);
  expect((error as BelayError).code).toBe("JOURNAL_CORRUPT");
  return (error as BelayError).message;
}

describe("a run as lines of JSON", () => {
  test("R45: header and records come back as they were, whatever they hold", async () => {
    const lines = await linesOf(RECORDS);
    expect(await readExport(lines)).toEqual({ header: sampleHeader("run-1"), records: RECORDS });
    expect(await readExport(`${lines.join("\n")}\n`.split("\n"))).toEqual(await readExport(lines));
    expect(lines.every((line) => !line.includes("\n"))).toBe(true);
  });

  test("R50: equal runs are equal bytes, keys in canonical order, half surrogate pairs escaped", async () => {
    const lines = await linesOf(RECORDS);
    expect(lines).toEqual(await linesOf(RECORDS));
    expect(lines[2]).toBe(
      '{"input":{"at":2,"attempt":1,"kind":"succeeded","node":0},"payload":{"a":{"__proto__":1},"b":[1.5,"ü\u2028"]},"seq":1}',
    );
    expect(lines[3]).toContain('["\\ud800",{"10":2,"9":3,"\\udfff":1}]');
  });

  test("a run without records has a header and a seal", async () => {
    const lines = await linesOf([]);
    expect(lines).toHaveLength(2);
    expect((await readExport(lines)).records).toEqual([]);
  });

  test("an unknown run is NOT_FOUND", async () => {
    await expect(exportRun(new MemoryJournal(), "run-1").next()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("R45: a line that is missing, doubled, moved or added is found, and named", async () => {
    const lines = await linesOf(RECORDS);
    for (const at of lines.keys()) {
      await refusal(lines.toSpliced(at, 1));
      await refusal(lines.toSpliced(at, 0, lines[at] as string));
    }
    await refusal([]);
    expect(await refusal(lines.slice(0, 4))).toContain("line 5: the export ends before its seal");
    expect(await refusal(lines.with(1, lines[2] as string))).toContain("line 2: record 0 should be here, not 1");
    expect(await refusal([...lines, "{}"])).toContain("line 7: there is something after the seal");
  });

  test("R45: a letter that was changed is found, whichever it is", async () => {
    const lines = await linesOf(RECORDS);
    for (const [at, line] of lines.entries()) {
      for (let place = 0; place < line.length; place++) {
        const changed = `${line.slice(0, place)}${line[place] === "7" ? "8" : "7"}${line.slice(place + 1)}`;
        await refusal(lines.with(at, changed));
      }
    }
  });
});
