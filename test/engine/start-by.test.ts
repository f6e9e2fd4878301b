/** Who started a run and why (R37): kept in its header, shown in snapshots and audit trails, no part of the request (R43). */
import { auditTrail, createEngine, definePlan, MemoryJournal } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { refused } from "./stage.ts";

const PLAN = definePlan({ belay: 1, name: "p", nodes: [{ id: "a", action: "do" }] });
const SECRET_PLAN = definePlan({
  belay: 1,
  name: "s",
  params: { type: "object", properties: { password: { type: "string", "x-secret": true } } },
  nodes: [{ id: "a", action: "do" }],
});
const actions = { do: () => undefined };

describe("R37: who started a run", () => {
  test("R37: the snapshot and the audit trail say who, in the next process too", async () => {
    const journal = new MemoryJournal();
    const engine = await createEngine({ actions, journal });
    const run = await engine.start(PLAN, { runId: "r", who: "ann", why: "CHG-7" });
    await run.settled();
    expect(run.snapshot().startedBy).toBe("ann");
    const [first] = await auditTrail(journal, "r");
    expect(first).toMatchObject({ verb: "start", who: "ann", why: "CHG-7", by: "operator" });
    expect((await journal.read("r"))?.header.startedBy).toEqual({ who: "ann", why: "CHG-7" });
    await engine.close();
  });

  test("R37: a run that nobody named has no such entry in its header", async () => {
    const journal = new MemoryJournal();
    const engine = await createEngine({ actions, journal });
    const run = await engine.start(PLAN, { runId: "r" });
    expect(run.snapshot().startedBy).toBeNull();
    expect(Object.keys((await journal.read("r"))?.header ?? {})).not.toContain("startedBy");
    await engine.close();
  });

  test("R43: who asks is no part of the request: another person's repetition finds the same run", async () => {
    const engine = await createEngine({ actions });
    const first = await engine.start(PLAN, { clientToken: "t", who: "ann" });
    const second = await engine.start(PLAN, { clientToken: "t", who: "bob" });
    expect(second.id).toBe(first.id);
    expect(second.snapshot().startedBy).toBe("ann");
    await engine.close();
  });

  test("R46: a secret in the reason is lost", async () => {
    const journal = new MemoryJournal();
    const engine = await createEngine({ actions, journal });
    const params = { password: "hunter2-hunter2" };
    await engine.start(SECRET_PLAN, { runId: "r", params, who: "ann", why: "it is hunter2-hunter2" });
    const [first] = await auditTrail(journal, "r");
    expect(first?.why).toBe("it is [secret]");
    expect(JSON.stringify(await journal.read("r"))).not.toContain("hunter2-hunter2");
    await engine.close();
  });

  test("R37: what is no text is refused", async () => {
    const engine = await createEngine({ actions });
    await refused(engine.start(PLAN, { who: 1 as unknown as string }), "INVALID_ARGUMENT");
    await engine.close();
  });
});
