/**
 * J6 (R41): slots of pools are counted over all engines of the journal, once each, and are free when their engine gives them
 * back or is gone. Only for journals that share slots.
 */
import type { SharedPool } from "../../journal/port.ts";
import { type CaseScript, check, type JournalStage, type Seat, same } from "./stage.ts";

const TWO: SharedPool = { name: "db/\u00e4\n", concurrency: 2, rate: null };
const ENDLESS: SharedPool = { name: "endless", concurrency: Number.POSITIVE_INFINITY, rate: null };
/** Longer than any case takes. */
const HOUR_MS = 3_600_000;
const RATED: SharedPool = { name: "rated", concurrency: 100, rate: { limit: 3, intervalMs: HOUR_MS } };

export const SLOT_CASES: readonly CaseScript[] = [
  {
    name: "J6 (R41): two engines together take no more slots than the pool has, at once or one after the other",
    needs: ["slots", "many engines"],
    play: async (stage) => {
      const [a, b] = await two(stage);
      const [first, second] = await Promise.all([take(a, TWO, 2), take(b, TWO, 2)]);
      same(first.length + second.length, 2, "takes of two engines at once have got all slots, and no more");
      same(new Set([...first, ...second]).size, 2, "each slot has a name of its own");
      same([...(await take(a, TWO, 1)), ...(await take(b, TWO, 1))], [], "nothing is left for a later take");
    },
  },
  {
    name: "J6 (R41): a take answers as many slots as are free, up to what is wanted",
    needs: ["slots"],
    play: async (stage) => {
      const a = await stage.sit();
      same((await take(a, TWO, 1)).length, 1, "one is wanted");
      same((await take(a, TWO, 5)).length, 1, "one is left");
      same((await a.journal.takeSlots?.(a.engine, TWO, 1))?.retryInMs, null, "there is no rate to wait for");
      const many = new Set<string>();
      while (many.size < 20) {
        const got = await take(a, ENDLESS, 20 - many.size);
        check(got.length > 0, "a pool without a limit always has slots");
        for (const slot of got) many.add(slot);
      }
      same(many.size, 20, "never more than are wanted");
    },
  },
  {
    name: "J6 (R41): pools with other names have slots of their own",
    needs: ["slots"],
    play: async (stage) => {
      const a = await stage.sit();
      same((await take(a, TWO, 2)).length, 2, "the pool is used up");
      const other = { ...TWO, name: "db/\u00e4" };
      same((await take(a, other, 2)).length, 2, "another pool is not");
    },
  },
  {
    name: "J6 (R41): a slot that is given back is free once, and the engines are told",
    needs: ["slots", "many engines"],
    play: async (stage) => {
      const [a, b] = await two(stage);
      const [slot] = await take(a, TWO, 2);
      same(await take(b, TWO, 1), [], "both are taken");
      a.journal.freeSlots?.([slot as string]);
      a.journal.freeSlots?.([slot as string, "00000000-0000-4000-8000-000000000000"]);
      same((await takeSoon(b, TWO, 2)).length, 1, "one slot is free, however often it is given back");
    },
  },
  {
    name: "J6 (R41): an engine that closes the journal leaves no slot taken",
    needs: ["slots", "many engines"],
    play: async (stage) => {
      const [a, b] = await two(stage);
      same((await take(a, TWO, 2)).length, 2, "both are taken");
      await stage.stand(a);
      same((await takeSoon(b, TWO, 2)).length, 2, "both are free");
    },
  },
  {
    name: "J6 (R41): an engine that died leaves no slot taken",
    needs: ["slots", "crash"],
    play: async (stage) => {
      same((await take(await stage.sit(), TWO, 2)).length, 2, "both are taken");
      await stage.crash();
      same((await take(await stage.sit("engine-b"), TWO, 2)).length, 2, "both are free");
    },
  },
  {
    name: "J6 (R41): the rate counts the slots that all engines take, given back or not, and says when the next one may be",
    needs: ["slots", "many engines"],
    play: async (stage) => {
      const [a, b] = await two(stage);
      const first = await take(a, RATED, 2);
      same(first.length, 2, "two starts are within the rate");
      a.journal.freeSlots?.(first);
      const got = await b.journal.takeSlots?.(b.engine, RATED, 2);
      same(got?.slots.length, 1, "the third start is the last of this interval");
      const wait = got?.retryInMs ?? 0;
      check(
        wait > HOUR_MS / 2 && wait <= HOUR_MS,
        `the next one is due when the first is an interval ago, not in ${wait} ms`,
      );
      same(await take(a, RATED, 1), [], "the rate holds for each engine");
    },
  },
];

async function two(stage: JournalStage): Promise<[Seat, Seat]> {
  return [await stage.sit(), await stage.sit("engine-b")];
}

async function take({ journal, engine }: Seat, pool: SharedPool, want: number): Promise<readonly string[]> {
  return (await journal.takeSlots?.(engine, pool, want))?.slots ?? [];
}

/** Often enough for a journal that says more than it must. */
const LOOKS = 100;

/** What there is once the journal has said that there may be some. */
async function takeSoon(seat: Seat, pool: SharedPool, want: number): Promise<readonly string[]> {
  for (let looks = 0; looks < LOOKS; looks++) {
    await seat.slotsFree();
    const got = await take(seat, pool, want);
    if (got.length > 0) return got;
  }
  return [];
}
