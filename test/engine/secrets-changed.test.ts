/** A journal that somebody has changed: seals that were spoilt, moved or taken away (R45, R46). */
import { createEngine, type Json, MemoryJournal } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import type { JournalRecord, RunHeader } from "../../packages/engine/src/journal/port.ts";
import { actions, begun, copyRun, KEY } from "./secret-hands.ts";

describe("R45, R46: a journal that was changed", () => {
  const changed = async (
    change: (header: Record<string, Json>, payload: Record<string, Json>) => void,
  ): Promise<string> => {
    const first = await begun();
    const stored = JSON.parse(JSON.stringify(first.journal.read("r"))) as {
      header: RunHeader;
      records: JournalRecord[];
    };
    const login = stored.records.find(({ payload }) => payload !== undefined) as JournalRecord;
    change(stored.header as never, login.payload as never);
    const journal = new MemoryJournal();
    copyRun(journal, stored.header, stored.records, false);
    const { extra, got } = actions();
    const options = { actions: extra, journal, secrets: { key: KEY }, onRefusedRun: () => undefined };
    const engine = await createEngine(options);
    await settleTurns();
    const code = engine.refused()[0]?.error.code ?? "none";
    expect(engine.refused()[0]?.error.message ?? "").not.toMatch(/hunter2|tok-/);
    if (code !== "none") expect(got).toEqual([]);
    await engine.close();
    return code;
  };
  type Seal = { $sealed: string };
  const paramsOf = (header: Record<string, Json>): { password: Json; users: { token: Json }[]; port: Json } =>
    header["params"] as never;
  const outputOf = (payload: Record<string, Json>): { token: Json } => payload["output"] as never;
  const spoilt = (seal: Json, at: number): Json => {
    const text = (seal as unknown as Seal).$sealed;
    const place = at < 0 ? text.length + at : at;
    return { $sealed: `${text.slice(0, place)}${text[place] === "A" ? "B" : "A"}${text.slice(place + 1)}` };
  };

  test("R42: unchanged it goes on", async () => {
    expect(await changed(() => undefined)).toBe("none");
  });

  test.each<[string, (header: Record<string, Json>, payload: Record<string, Json>) => void]>([
    [
      "nonce",
      (header) => {
        paramsOf(header).password = spoilt(paramsOf(header).password, 14);
      },
    ],
    [
      "text",
      (header) => {
        paramsOf(header).password = spoilt(paramsOf(header).password, 40);
      },
    ],
    [
      "tag",
      (header) => {
        paramsOf(header).password = spoilt(paramsOf(header).password, -10);
      },
    ],
    [
      "end",
      (header) => {
        paramsOf(header).password = { $sealed: (paramsOf(header).password as unknown as Seal).$sealed.slice(0, 40) };
      },
    ],
    [
      "form",
      (header) => {
        paramsOf(header).password = { $sealed: "hunter3" };
      },
    ],
    [
      "seal of an output",
      (_, payload) => {
        outputOf(payload).token = spoilt(outputOf(payload).token, 40);
      },
    ],
    [
      "place of a parameter",
      (header) => {
        paramsOf(header).password = paramsOf(header).users[0]?.token as Json;
      },
    ],
    [
      "place of an output",
      (header, payload) => {
        outputOf(payload).token = paramsOf(header).password;
      },
    ],
    [
      "run",
      (header) => {
        header["runId"] = "s";
      },
    ],
    [
      "seal for a value",
      (header) => {
        paramsOf(header).password = "hunter3";
      },
    ],
    [
      "seal for a number in a list",
      (header) => {
        (paramsOf(header).users[0] as { token: Json }).token = 5;
      },
    ],
    [
      "mark of seals",
      (header) => {
        delete header["sealed"];
        paramsOf(header).password = "hunter3";
      },
    ],
  ])("R45: with another %s it is refused, and nothing of it runs", async (_, change) => {
    expect(await changed(change)).toBe("JOURNAL_CORRUPT");
  });

  test("R46: the name of another key is that of a key that is not here", async () => {
    expect(
      await changed((header) => {
        paramsOf(header).password = spoilt(paramsOf(header).password, 5);
      }),
    ).toBe("SECRET_MISSING");
  });
});
