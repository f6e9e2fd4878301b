/**
 * Conformance cases about what people ask of runs from outside (R37), what they are told, and the lines they read.
 */
import type { Journal, LogLine, OperatorRequest } from "../../journal/port.ts";
import type { Json } from "../../plan/document.ts";
import {
  type CaseScript,
  check,
  failsWith,
  type JournalStage,
  readRun,
  type Seat,
  START_AT,
  same,
  sameRecords,
} from "./stage.ts";

export const ANSWER_CASES: readonly CaseScript[] = [
  { name: "R37: a request comes as it was asked, in the order of asking, until it is answered", play: takesInOrder },
  { name: "R37: a request id that is known changes nothing, answered or not", play: askedTwice },
  { name: "R37: the first answer stands", play: firstAnswerStands },
  { name: "R37: a request for a run nobody created, and one never asked, are NOT_FOUND", play: notFound },
  { name: "R37: a request waits for the run's owner, and comes to whoever claims it", play: waitsForAnOwner },
  { name: "R37: the owner is told that it was asked", play: tellsTheOwner },
  { name: "R37: requests go with their run", play: removedWithTheRun },
  {
    name: "R37: an engine takes requests for its own runs only, and those of a run go with it",
    needs: ["many engines"],
    play: takesItsOwn,
  },
  {
    name: "R37: a request asked at one engine comes to the other that owns the run",
    needs: ["many engines"],
    play: asksAcross,
  },
  {
    name: "R37: somebody outside reads, asks and is answered while an engine has the journal",
    needs: ["outsider"],
    play: asksFromOutside,
  },
  { name: "lines of a run read as they were logged, in order, and go with it", play: keepsLines },
  { name: "the last 10,000 lines of a run are kept", play: keepsManyLines },
  { name: "log never fails: unknown runs, no lines, letters of any kind", play: logsAnything },
];

function request(requestId: string, runId: string, more: Partial<OperatorRequest> = {}): OperatorRequest {
  return { requestId, runId, verb: "retry", args: [], at: START_AT, ...more };
}

async function idsFor({ journal, engine }: Seat): Promise<readonly string[]> {
  return (await journal.takeRequests(engine)).map(({ requestId }) => requestId);
}

async function takesInOrder(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  await stage.create(seat, "run-2");
  const odd: Json[] = [null, "", { who: "\u{1f9ef} '\"\\", ["__proto__"]: [-1.5, true] }, "\ud800 \u0000"];
  const asked = [
    request("z", "run-2", { verb: "skip", args: odd }),
    request("y".repeat(128), "run-1", { verb: "cancel", at: 0 }),
    request("x'\"\u{1f9ef}", "run-2", { args: ["node[0]", { why: "again" }] }),
    request("a", "run-1"),
  ];
  for (const one of asked) await seat.journal.ask(one);
  same(await seat.journal.takeRequests(seat.engine), asked, "R37: all requests, as they were asked");
  same(await seat.journal.takeRequests(seat.engine), asked, "R37: taking answers nothing");
  await seat.journal.answer("z", { ok: true, status: "RUNNING" });
  await seat.journal.answer("a", { ok: false, code: "STATE_INVALID", message: "no" });
  same(await seat.journal.takeRequests(seat.engine), asked.slice(1, 3), "R37: an answered one is taken no more");
}

async function askedTwice(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const { journal } = seat;
  await stage.create(seat, "run-1");
  await stage.create(seat, "run-2");
  const first = request("once", "run-1", { verb: "pause" });
  await journal.ask(first);
  await journal.ask(request("once", "run-2", { verb: "cancel", args: ["other"] }));
  await Promise.all([journal.ask(request("twice", "run-1")), journal.ask(request("twice", "run-1"))]);
  same(await journal.takeRequests(seat.engine), [first, request("twice", "run-1")], "R37: asked twice, there once");
  await journal.answer("once", { ok: true, status: "PAUSED" });
  await journal.ask(first);
  same(await idsFor(seat), ["twice"], "R37: an answered request that is asked again is not done again");
  same(await journal.answerTo("once"), { ok: true, status: "PAUSED" }, "R37: and its answer stands");
}

async function firstAnswerStands(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const { journal } = seat;
  await stage.create(seat, "run-1");
  await journal.ask(request("r", "run-1"));
  same(await journal.answerTo("r"), undefined, "R37: no answer yet");
  const refused = { ok: false, code: "STATE_INVALID", message: "only in FAILED; 'quoted' \u{1f9ef}" } as const;
  await journal.answer("r", refused);
  await journal.answer("r", { ok: true, status: "RUNNING" });
  same(await journal.answerTo("r"), refused, "R37: the first answer stands");
}

async function notFound(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  await failsWith(["NOT_FOUND"], () => seat.journal.ask(request("r", "run-2")), "R37: ask for an unknown run");
  await failsWith(["NOT_FOUND"], () => seat.journal.answerTo("r"), "R37: the answer to what was never asked");
  same(await idsFor(seat), [], "R37: nothing was kept");
}

async function waitsForAnOwner(stage: JournalStage): Promise<void> {
  const seat = await stage.sit("first");
  const { journal } = seat;
  await journal.release(await stage.create(seat, "run-1"));
  await journal.ask(request("r", "run-1"));
  same(await idsFor(seat), [], "R37: who does not own the run takes no request for it");
  await stage.stand(seat);
  const next = await stage.sit("next");
  await stage.claim(next, "run-1");
  same(await idsFor(next), ["r"], "R37: the new owner does");
}

async function tellsTheOwner(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  for (const id of ["r", "s"]) {
    await seat.journal.ask(request(id, "run-1"));
    await seat.asked();
  }
  same(await idsFor(seat), ["r", "s"], "R37: what it was told of is there");
}

async function removedWithTheRun(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  await stage.create(seat, "run-2");
  await seat.journal.ask(request("r", "run-1"));
  await seat.journal.ask(request("s", "run-2"));
  await seat.journal.remove("run-1");
  same(await idsFor(seat), ["s"], "a removed run takes its requests along");
  await failsWith(["NOT_FOUND"], () => seat.journal.answerTo("r"), "the answer to a removed run's request");
}

async function takesItsOwn(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  const lease = await stage.create(a, "run-a");
  await stage.create(b, "run-b");
  await a.journal.ask(request("for-a", "run-a"));
  await a.journal.ask(request("for-b", "run-b"));
  same([await idsFor(a), await idsFor(b)], [["for-a"], ["for-b"]], "R37: each takes its own");
  await a.journal.release(lease);
  await stage.claim(b, "run-a");
  same([await idsFor(a), await idsFor(b)], [[], ["for-a", "for-b"]], "R37: requests go with their run");
}

async function asksAcross(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  await stage.create(b, "run-b");
  await a.journal.ask(request("r", "run-b", { verb: "cancel" }));
  await b.asked();
  same(await idsFor(b), ["r"], "R37: the owner takes it");
  await b.journal.answer("r", { ok: true, status: "CANCELED" });
  same(await a.journal.answerTo("r"), { ok: true, status: "CANCELED" }, "R37: who asked reads the answer");
}

async function asksFromOutside(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1", ["lock"]);
  const written = await stage.append(seat, lease, 0, 3);
  const outside = await stage.outsider();
  sameRecords((await readRun(outside, "run-1")).records, written, "read from outside");
  same(await outside.read("never"), undefined, "read of an unknown run from outside");
  same(await outside.list(), await seat.journal.list(), "list from outside");
  await failsWith(["NOT_FOUND"], () => outside.ask(request("r", "never")), "ask from outside for an unknown run");
  await outside.ask(request("r", "run-1", { verb: "pause" }));
  await seat.asked();
  same(await seat.journal.takeRequests(seat.engine), [request("r", "run-1", { verb: "pause" })], "R37: it has come");
  same(await outside.answerTo("r"), undefined, "R37: no answer yet");
  await seat.journal.answer("r", { ok: true, status: "PAUSED" });
  same(await outside.answerTo("r"), { ok: true, status: "PAUSED" }, "R37: the answer has come");
  await outside.ask(request("s", "run-1"));
  await seat.asked();
  const more = await stage.append(seat, lease, 3, 2);
  sameRecords((await readRun(outside, "run-1")).records, [...written, ...more], "what was appended since");
  seat.journal.log([line("run-1", 1)]);
  await seat.journal.logs("run-1");
  same(await outside.logs("run-1"), [line("run-1", 1)], "logs from outside");
}

function line(runId: string, number: number, more: Partial<LogLine> = {}): LogLine {
  return { runId, nodeId: "node[0]", attempt: 1, at: START_AT + number, message: `line ${number}`, ...more };
}

async function keepsLines(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const { journal } = seat;
  await stage.create(seat, "run-1");
  await stage.create(seat, "run-2");
  same(await journal.logs("run-1"), [], "no lines yet");
  const lines = [
    line("run-1", 0, { details: { a: [1, null], ["__proto__"]: "\ud800" } }),
    line("run-1", 1, { message: "two\nlines\t'\"\\ \u{1f9ef}", details: null }),
    line("run-1", 2, { attempt: 7, nodeId: "b", message: "" }),
    line("run-1", 2),
    line("run-1", 3, { compensation: true }),
  ];
  journal.log([lines[0] as LogLine, line("run-2", 9), lines[1] as LogLine]);
  journal.log(lines.slice(2));
  const found = await journal.logs("run-1");
  same(found, lines, "lines as they were logged");
  same(
    found.map((one) => "details" in one),
    [true, true, false, false, false],
    "details are there when they were said",
  );
  same(await journal.logs("run-2"), [line("run-2", 9)], "each run has its own");
  await journal.remove("run-1");
  same(await journal.logs("run-1"), [], "a removed run takes its lines along");
  await stage.create(seat, "run-1");
  same(await journal.logs("run-1"), [], "a new run of that id has no old lines");
}

async function keepsManyLines(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  for (let from = 0; from < 12_000; from += 400) {
    seat.journal.log(Array.from({ length: 400 }, (_, index) => line("run-1", from + index)));
  }
  const found = await seat.journal.logs("run-1");
  check(found.length >= 10_000, `at least 10,000 lines are kept, found ${found.length}`);
  const last = Array.from({ length: 10_000 }, (_, index) => line("run-1", 2_000 + index));
  same(found.slice(-10_000), last, "the last lines, in order");
}

async function logsAnything(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  const odd = ["\u0000", "\ud800", "a\u0000b", "x".repeat(100_000)];
  const journal: Journal = seat.journal;
  journal.log([]);
  journal.log([line("never", 1)]);
  journal.log([
    line("never", 1),
    line("run-1", 0),
    ...odd.map((message, index) => line("run-1", index + 1, { message })),
  ]);
  const found = await journal.logs("run-1");
  same(
    found.map(({ at }) => at - START_AT),
    [0, 1, 2, 3, 4],
    "every line of the known run is there",
  );
  same(found[4]?.message, odd[3], "a long line reads as it was logged");
  same(await journal.logs("never"), [], "an unknown run has no lines");
  await stage.append(seat, lease, 0);
}
