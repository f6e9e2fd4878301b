/**
 * Conformance cases about a crash (J1, R39, R42): what was answered is there afterwards, what was not is there as a
 * prefix or not at all, nobody owns anything, and epochs and tokens go on growing.
 */
import {
  type CaseScript,
  check,
  created,
  failsWith,
  type JournalStage,
  progressOf,
  readRun,
  records,
  same,
  sameRecords,
} from "./stage.ts";

export const CRASH_CASES: readonly CaseScript[] = [
  {
    name: "J1 (R39): what was answered survives a crash: runs, records, progress, tokens, locks",
    needs: ["crash"],
    play: survives,
  },
  {
    name: "J1 (R39): an append that was not answered leaves a prefix of its records",
    needs: ["crash"],
    play: leavesAPrefix,
  },
  {
    name: "J1 (R42): after a crash nobody owns a run, and the old lease writes nothing",
    needs: ["crash"],
    play: ownsNothing,
  },
  { name: "J3, J4 (R40, R44): epochs and tokens grow over crashes", needs: ["crash"], play: growsOverCrashes },
  { name: "J1 (R37): requests and answers survive a crash", needs: ["crash"], play: keepsRequests },
  { name: "J1 (R39): a removal that was answered survives a crash", needs: ["crash"], play: keepsRemovals },
];

async function survives(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const header = stage.header("run-1", { clientToken: "token" });
  const lease = created(await seat.journal.create(seat.engine, header, ["x"]));
  const written = [...(await stage.append(seat, lease, 0, 5)), ...(await stage.append(seat, lease, 5, 1))];
  const ended = await stage.create(seat, "run-2", ["y"]);
  await stage.end(seat, ended, 0);
  await stage.create(seat, "run-3");
  const before = (await seat.journal.list()).map((run) => ({ ...run, owner: null }));
  await stage.crash();
  const next = await stage.sit("next");
  const run = await readRun(next.journal, "run-1");
  same(run.header, header, "J1: the header");
  sameRecords(run.records, written, "J1: the records");
  same(await next.journal.list(), before, "J1: what lists say, but for the owners");
  const again = await next.journal.create("next", stage.header("run-4", { clientToken: "token" }), []);
  same(again, { kind: "existing", runId: "run-1", requestHash: header.requestHash }, "J1 (R43): the client token");
  const locked = await next.journal.create("next", stage.header("run-4"), ["y", "x"]);
  same(locked, { kind: "locked", resource: "x", heldBy: "run-1" }, "J1 (R40): held locks, and only those");
}

async function leavesAPrefix(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  const batch = records(2, 300);
  await stage.append(seat, lease, 0, 2);
  const unanswered = (async () => seat.journal.append(lease, batch, progressOf(batch)))();
  unanswered.catch(() => {});
  await stage.crash();
  const next = await stage.sit("next");
  const { records: left } = await readRun(next.journal, "run-1");
  check(left.length >= 2, "J1: what was answered is there");
  sameRecords(left, records(0, left.length), "J1: what was not answered is there as a prefix");
  same((await next.journal.list())[0]?.records, left.length, "list counts what is there");
  const claimed = await stage.claim(next, "run-1");
  await stage.append(next, claimed, left.length, 2);
  sameRecords(
    (await readRun(next.journal, "run-1")).records,
    records(0, left.length + 2),
    "J1: and it goes on from there",
  );
}

async function ownsNothing(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  await stage.append(seat, lease, 0);
  await stage.crash();
  const next = await stage.sit("next");
  const claimed = await stage.claim(next, "run-1");
  await failsWith(["FENCED"], () => stage.append(next, lease, 1), "J3: the lease of before the crash");
  await stage.append(next, claimed, 1);
  sameRecords((await readRun(next.journal, "run-1")).records, records(0, 2), "J5: the records");
}

async function growsOverCrashes(stage: JournalStage): Promise<void> {
  let { epoch, tokens } = await stage.create(await stage.sit("engine-0"), "run-1", ["x"]);
  for (let crashes = 1; crashes <= 3; crashes++) {
    await stage.crash();
    const lease = await stage.claim(await stage.sit(`engine-${crashes}`), "run-1");
    check(lease.epoch > epoch, `J3: epochs grow over a crash: ${epoch}, ${lease.epoch}`);
    check((lease.tokens["x"] as number) > (tokens["x"] as number), "J4: tokens grow over a crash");
    ({ epoch, tokens } = lease);
  }
  await stage.crash();
  const last = await stage.sit("last");
  await last.journal.remove("run-1");
  await stage.crash();
  const lease = await stage.create(await stage.sit("engine-a"), "run-1", ["x"]);
  check((lease.tokens["x"] as number) > (tokens["x"] as number), "J4: tokens grow over a removal and a crash");
}

async function keepsRequests(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  const asked = ["r", "s"].map((requestId) => ({ requestId, runId: "run-1", verb: "retry", args: ["a"], at: 1 }));
  for (const one of asked) await seat.journal.ask(one);
  await seat.journal.answer("r", { ok: true, status: "RUNNING" });
  await stage.crash();
  const next = await stage.sit("next");
  same(await next.journal.answerTo("r"), { ok: true, status: "RUNNING" }, "J1: the answer");
  same(await next.journal.answerTo("s"), undefined, "J1: the request without one");
  await stage.claim(next, "run-1");
  same(await next.journal.takeRequests("next"), asked.slice(1), "J1: the request without an answer");
}

async function keepsRemovals(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1", ["x"]);
  await stage.create(seat, "run-2");
  await seat.journal.remove("run-1");
  await stage.crash();
  const next = await stage.sit("next");
  same(
    (await next.journal.list()).map(({ runId }) => runId),
    ["run-2"],
    "J1: the removed run is gone",
  );
  await stage.create(next, "run-1", ["x"]);
}
