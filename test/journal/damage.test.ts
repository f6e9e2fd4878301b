/**
 * R45, J5: a journal file that is damaged reads as a prefix of what was written, or is refused with JOURNAL_CORRUPT; never as
 * something else. Tried on a small one: cut off at every byte, or with one bit turned (which one, the seed says) in
 * every third byte; BYTES=1 takes every one, as BYTES=n every nth.
 *
 * The journal itself must read as written or be refused: what was answered is in it. A write-ahead log that is cut or
 * turned loses commits from its end, which is what a loss of power may do to those that were not answered. Of a page in
 * the log every fourth byte is tried, which its frame's checksum tells all alike; of what frames say, every byte.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesOf, lookAt, lookFromOutside, SmallJournal, scratch } from "./small-journal.ts";

const SEED = 20240611;
/** Of the bytes whose bits are turned, every how manieth is. Prime to the sizes of pages and words: all places in them have their turn. */
const STEP = Number(process.env["BYTES"] ?? 3);
const EMPTY = Buffer.alloc(0);
const folder = scratch();
/** What is told of the journal after each of its commits since it was settled. */
const states: string[] = [];
let settled: Buffer;
let files: { readonly main: Buffer; readonly wal: Buffer };

beforeAll(async () => {
  const small = new SmallJournal(folder);
  const kept = await small.create("r1", ["l1"], "token");
  await small.append(kept, 0, 3);
  const ended = await small.create("r2", ["l2"]);
  await small.append(ended, 0, 1, true);
  await small.ask("q1", "r1");
  await small.journal.answer("q1", { ok: true, status: "RUNNING" });
  small.log("r1", "hello");
  const removed = await small.create("r3", []);
  await small.append(removed, 0, 1);
  await small.journal.remove("r3");
  small.journal.close("e");
  settled = filesOf(small.file).main;

  const again = new SmallJournal(folder);
  const look = (): void => {
    files = filesOf(again.file);
    states.push(lookAt(folder, files.main, files.wal));
  };
  look();
  const claimed = await again.journal.claim("e", "r1");
  look();
  if (claimed.kind !== "claimed") throw new Error("r1 is free");
  await again.append(claimed.lease, 3, 2);
  look();
  await again.ask("q2", "r1");
  look();
  await again.append(claimed.lease, 5, 1, true);
  look();
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("a damaged journal file", () => {
  test("R45: undamaged, every commit is told apart, and all are read", () => {
    expect(new Set(states).size).toBe(5);
    expect(states.every((state) => state.startsWith("{"))).toBe(true);
    expect(lookAt(folder, settled, EMPTY)).toBe(states[0]);
    expect(lookAt(folder, files.main, files.wal)).toBe(states[4]);
    expect(lookAt(folder, files.main, EMPTY)).toBe(states[0]);
  });

  test("R45: cut off at any byte it is refused, or no more than empty space is missing", () => {
    const found = everyByte(settled, (at) => lookAt(folder, settled.subarray(0, at), EMPTY));
    expect(found.filter(({ told }) => told !== "refused" && told !== "commit 0")).toEqual([]);
    const last = found.findLastIndex(({ told }) => told === "refused");
    expect(found.slice(0, last + 1).filter(({ told }) => told !== "refused")).toEqual([]);
    expect(settled.length - last, "at most a page").toBeLessThanOrEqual(512);
  }, 120_000);

  test(`R45: with a bit turned in a byte, each in its turn, it reads as it was written, or is refused (seed ${SEED})`, () => {
    const found = placesOf(settled, STEP).map((at) => tried(at, lookAt(folder, turned(settled, at), EMPTY)));
    expect(found.filter(({ told }) => told !== "refused" && told !== "commit 0")).toEqual([]);
    // Bytes that say nothing exist: free space, counters nobody reads. Most bytes say something.
    expect(found.filter(({ told }) => told === "refused").length).toBeGreaterThan(found.length / 3);
  }, 240_000);

  test(`R45: a reader tells what was written, or refuses, with a bit turned in a byte, each in its turn (seed ${SEED})`, () => {
    const whole = lookFromOutside(folder, settled);
    expect(whole).toContain('"no run"]');
    const told = placesOf(settled, 3 * STEP).map((at) => [at, lookFromOutside(folder, turned(settled, at))] as const);
    expect(told.filter(([, state]) => state !== whole && state !== "JOURNAL_CORRUPT")).toEqual([]);
  }, 240_000);

  test("R45: with its log cut off at any byte it reads as after some commit", () => {
    const found = everyByteOfFrames((at) => lookAt(folder, files.main, files.wal.subarray(0, at)));
    const order = found.map(({ told }) => told);
    expect(order).toEqual(order.toSorted());
    expect(new Set(order)).toEqual(new Set(["commit 0", "commit 1", "commit 2", "commit 3"]));
  }, 240_000);

  test(`R45: with a bit turned in a byte of its log it reads as after some commit (seed ${SEED})`, () => {
    const found = everyByteOfFrames((at) => lookAt(folder, files.main, turned(files.wal, at)));
    expect(found.filter(({ told }) => !/^(refused|commit [0-4])$/.test(told))).toEqual([]);
  }, 240_000);
});

interface Tried {
  readonly at: number;
  readonly told: string;
}

/** Every so manieth place of the bytes. */
function placesOf(bytes: Buffer, step: number): number[] {
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, at) => at * step);
}

function everyByte(bytes: Buffer, look: (at: number) => string): Tried[] {
  return Array.from(bytes, (_, at) => tried(at, look(at)));
}

/** The log's header has 32 bytes, each frame's 24, followed by a page of 512. */
function everyByteOfFrames(look: (at: number) => string): Tried[] {
  const told: Tried[] = [];
  for (let at = 0; at < files.wal.length; at++) {
    const inFrame = (at - 32) % (24 + 512);
    if (at < 32 || inFrame < 24 || at % 4 === 0) told.push(tried(at, look(at)));
  }
  return told;
}

function tried(at: number, state: string): Tried {
  const commit = states.indexOf(state);
  return { at, told: commit >= 0 ? `commit ${commit}` : state === "JOURNAL_CORRUPT" ? "refused" : state };
}

/** The bytes with one bit of one of them turned. */
function turned(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = copy.readUInt8(at) ^ (1 << (Math.imul(at + SEED, 0x9e3779b1) >>> 29));
  return copy;
}
