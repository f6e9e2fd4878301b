/**
 * Conformance cases about runs and their records: what is appended is read, all of it, in order, as it was (J5), and
 * what lists say of it. Owns: unusual values a payload may hold.
 */
import type { JournalRecord, Lease, RunHeader } from "../../journal/port.ts";
import type { Json } from "../../plan/document.ts";
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

/** Values that JSON.parse can answer and that media have lost before. */
const UNUSUAL: Readonly<Record<string, Json>> = {
  "null, which is not no payload": null,
  "an empty object": {},
  "an empty list": [],
  "an empty string": "",
  "false and zero": [false, 0, ""],
  "minus zero": -0,
  "large and small numbers": [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2 ** 53, 1e21, 1.7976931348623157e308],
  fractions: [0.1 + 0.2, 5e-324, -1e-7, 1 / 3],
  "letters beyond the first plane": "\u{1f9ef} \u{10ffff} e\u0301 \u202e \ufeff",
  "half a surrogate pair": ["\ud800", "\udfff x", { "\ud83d": "\ude00\ud83d" }],
  controls: "\u0000 \u0001 \u001f \u007f \u0085 \u2028 \u2029 \r\n\t\b\f",
  "quotes and escapes": "' \" \\ \\u0000 \\x00 ; -- /* $1 ? :a %s #{x} `",
  "keys that objects have": JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":null,"length":0,"":"empty"}'),
  "keys in an order of their own": { b: 1, a: 2, "10": 3, "9": 4, A: 5 },
  "many keys": Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key ${index}`, index])),
  "a long string": "0123456789abcdef".repeat(32_768),
  "a thousand lists in lists": JSON.parse(`${"[".repeat(1_000)}1${"]".repeat(1_000)}`),
  "a thousand objects in objects": JSON.parse(`${'{"a":'.repeat(1_000)}1${"}".repeat(1_000)}`),
};

/** 128 characters, every printable one among them. */
const LONG_ID = Array.from({ length: 128 }, (_, index) => String.fromCharCode(33 + (index % 94))).join("");

export const RECORD_CASES: readonly CaseScript[] = [
  { name: "J5 (R45): a run reads as its header and its records, in order", play: readsInOrder },
  { name: "J5 (R45): a header reads as it was written, whatever it holds", play: readsHeaders },
  { name: "J5 (R45): a run without records reads as its header alone", play: readsNoRecords },
  { name: "J5 (R45): a payload reads as it was written, whatever it holds", play: readsUnusualPayloads },
  {
    name: "J5 (R45): batches of thousands of records, and thousands of batches' records, read in order",
    play: readsMany,
  },
  { name: "J1 (R39): appends of several runs side by side stay each in its run and in order", play: readsInterleaved },
  { name: "J5 (R45): run ids of any printable letters name their own runs", play: keepsIdsApart },
  { name: "J5 (R45): what a caller does to a batch after the append changes nothing", play: keepsItsOwnCopy },
  { name: "J5 (R45): what was read stays as it was read, whatever is appended later", play: keepsWhatWasRead },
  { name: "read answers undefined for a run nobody created", play: readsUnknown },
  { name: "list says where every run stands, oldest first", play: lists },
  { name: "remove drops a run with its records, and an unknown one without effect", play: removes },
  { name: "create refuses a run id that is taken and leaves that run alone", play: refusesTakenIds },
];

async function readsInOrder(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const header = stage.header("run-1");
  const lease = created(await seat.journal.create(seat.engine, header, []));
  const written: JournalRecord[] = [];
  for (const count of [1, 3, 1, 7, 2]) written.push(...(await stage.append(seat, lease, written.length, count)));
  const run = await readRun(seat.journal, "run-1");
  same(run.header, header, "J5: read answers the header that create was given");
  sameRecords(run.records, written, "J5: read answers what was appended");
}

async function readsHeaders(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const odd = Object.values(UNUSUAL).slice(0, 12) as readonly Json[];
  const headers: RunHeader[] = [
    stage.header("odd-params", { params: { odd, ["__proto__"]: 1 }, items: { group: odd } }),
    stage.header("parented", { parent: { runId: "odd-params", nodeId: "group[3]", attempt: 2 } }),
    stage.header("numbers", { seed: -Number.MAX_SAFE_INTEGER, graceMs: 0, at: 0.5 }),
    stage.header("token", { clientToken: " ~token'\"\\" }),
  ];
  for (const header of headers) created(await seat.journal.create(seat.engine, header, []));
  for (const header of headers) {
    const run = await readRun(seat.journal, header.runId);
    same(run.header, header, `J5: read answers the header of ${header.runId}`);
    same(JSON.stringify(run.header.params), JSON.stringify(header.params), `J5: the parameters of ${header.runId}`);
  }
}

async function readsNoRecords(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  same((await readRun(seat.journal, "run-1")).records, [], "J5: nothing was appended");
}

async function readsUnusualPayloads(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  const batch = Object.values(UNUSUAL).map((payload, seq): JournalRecord => {
    return { seq, input: { kind: "succeeded", at: 1, node: seq, attempt: 1 }, payload };
  });
  const half = batch.length >> 1;
  await seat.journal.append(lease, batch.slice(0, half), progressOf(batch));
  await seat.journal.append(lease, batch.slice(half), progressOf(batch));
  sameRecords((await readRun(seat.journal, "run-1")).records, batch, "J5: payloads of every kind");
}

async function readsMany(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const large = await stage.create(seat, "large-batch");
  const written = await stage.append(seat, large, 0, 3_000);
  const small = await stage.create(seat, "small-batches");
  for (let seq = 0; seq < 1_000; seq += 4) await stage.append(seat, small, seq, 4);
  sameRecords((await readRun(seat.journal, "large-batch")).records, written, "J5: one batch of 3,000");
  sameRecords((await readRun(seat.journal, "small-batches")).records, records(0, 1_000), "J5: 250 batches of 4");
}

async function readsInterleaved(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const write = async (id: string): Promise<void> => {
    const lease = await stage.create(seat, id);
    for (let seq = 0; seq < 40; seq += 2) await stage.append(seat, lease, seq, 2);
  };
  await Promise.all(ids.map(write));
  for (const id of ids) sameRecords((await readRun(seat.journal, id)).records, records(0, 40), `J1: run ${id}`);
}

async function keepsIdsApart(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const ids = [LONG_ID, `${LONG_ID.slice(0, -1)}!`, "a", "A", "a%", "a_", "__proto__", "..", "a/b", "0", "00", "'"];
  for (const [index, id] of ids.entries()) {
    const lease = await stage.create(seat, id);
    await stage.append(seat, lease, 0, index + 1);
  }
  for (const [index, id] of ids.entries()) {
    const run = await readRun(seat.journal, id);
    same(run.header.runId, id, "J5: the run of that id");
    same(run.records.length, index + 1, `J5: the records of ${id}`);
  }
  const listed = await seat.journal.list();
  same(
    listed.map(({ runId }) => runId),
    ids,
    "list names them all",
  );
}

async function keepsItsOwnCopy(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  const batch = [...records(0, 3)];
  await seat.journal.append(lease, batch, progressOf(batch));
  batch.length = 0;
  sameRecords((await readRun(seat.journal, "run-1")).records, records(0, 3), "J5: the batch as it was appended");
}

async function keepsWhatWasRead(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  await stage.append(seat, lease, 0, 2);
  seat.journal.log([{ runId: "run-1", nodeId: "a", attempt: 1, at: 1, message: "one" }]);
  const run = await readRun(seat.journal, "run-1");
  const [runs, lines] = [await seat.journal.list(), await seat.journal.logs("run-1")];
  await stage.append(seat, lease, 2, 2);
  seat.journal.log([{ runId: "run-1", nodeId: "a", attempt: 1, at: 2, message: "two" }]);
  await stage.create(seat, "run-2");
  sameRecords(run.records, records(0, 2), "J5: the records as they were read");
  same([runs.length, runs[0]?.records, lines.length], [1, 2, 1], "the list and the lines as they were read");
}

async function readsUnknown(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await stage.create(seat, "run-1");
  same(await seat.journal.read("run-2"), undefined, "read of an unknown run");
  same(await seat.journal.read("run-"), undefined, "read of a part of a run id");
}

async function lists(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  same(await seat.journal.list(), [], "a new journal has no runs");
  const parent = { runId: "b", nodeId: "sub", attempt: 3 };
  const headers = [stage.header("b", { clientToken: "token" }), stage.header("a", { parent }), stage.header("c")];
  const leases: Lease[] = [];
  for (const [index, header] of headers.entries()) {
    leases.push(created(await seat.journal.create(seat.engine, header, [`lock ${index} b`, `lock ${index} a`])));
  }
  const batch = records(0, 5);
  await seat.journal.append(leases[1] as Lease, batch, { status: "FAILED", ended: false, at: 77 });
  await stage.end(seat, leases[2] as Lease, 0);
  await seat.journal.release(leases[2] as Lease);
  const expected = headers.map((header, index) => ({
    runId: header.runId,
    planName: header.document.name,
    planHash: header.planHash,
    clientToken: header.clientToken,
    parent: header.parent,
    startedAt: header.at,
    records: [0, 5, 1][index],
    status: ["RUNNING", "FAILED", "SUCCESSFUL"][index],
    ended: index === 2,
    at: [header.at, 77, records(0, 1)[0]?.input.at][index],
    locks: index === 2 ? [] : [`lock ${index} a`, `lock ${index} b`],
    owner: index === 2 ? null : seat.engine,
  }));
  const found = (await seat.journal.list()).map((run) => ({ ...run, locks: run.locks.toSorted() }));
  same(found, expected, "list says of every run what create and the last append said");
}

async function removes(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const first = await stage.create(seat, "first");
  await stage.append(seat, first, 0, 4);
  const second = await stage.create(seat, "second");
  const kept = await stage.append(seat, second, 0, 2);
  await seat.journal.remove("first");
  await seat.journal.remove("first");
  await seat.journal.remove("never");
  same(await seat.journal.read("first"), undefined, "a removed run is not read");
  same((await seat.journal.claim(seat.engine, "first")).kind, "unknown", "a removed run is not claimed");
  same(
    (await seat.journal.list()).map(({ runId }) => runId),
    ["second"],
    "a removed run is not listed",
  );
  sameRecords((await readRun(seat.journal, "second")).records, kept, "its neighbour stands");
  await failsWith(["JOURNAL_FAILED", "FENCED"], () => stage.append(seat, first, 4), "append to a removed run");
  await stage.create(seat, "first");
  same((await readRun(seat.journal, "first")).records, [], "a new run of that id has no old records");
  await failsWith(
    ["FENCED"],
    () => seat.journal.append({ ...first, epoch: first.epoch + 7 }, records(0, 1), progressOf(records(0, 1))),
    "an epoch nobody granted",
  );
}

async function refusesTakenIds(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1", ["lock"]);
  const written = await stage.append(seat, lease, 0, 2);
  const again = () => seat.journal.create(seat.engine, stage.header("run-1", { clientToken: "token" }), ["other"]);
  await failsWith(["JOURNAL_FAILED"], again, "create with a run id that is taken");
  sameRecords((await readRun(seat.journal, "run-1")).records, written, "the run of that id stands");
  check(
    created(await seat.journal.create(seat.engine, stage.header("run-2", { clientToken: "token" }), ["other"])).epoch >=
      1,
    "the refused create took neither the token nor the lock",
  );
  await stage.append(seat, lease, 2);
}
