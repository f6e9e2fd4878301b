/** What can be wrong with how a journal counts slots of pools (R41): one promise broken each. */
import type { BrokenJournal } from "./broken-journal.ts";

export const BROKEN_SLOTS: readonly BrokenJournal[] = [
  {
    does: "counts slots for each engine by itself",
    slots: (table) => ({
      takeSlots: (engine, pool, want) => table.take(engine, { ...pool, name: `${engine} ${pool.name}` }, want),
    }),
  },
  {
    does: "grants as many slots as are wanted",
    slots: (table) => ({
      takeSlots: (engine, pool, want) => table.take(engine, { ...pool, concurrency: Number.POSITIVE_INFINITY }, want),
    }),
  },
  {
    does: "grants all free slots, wanted or not",
    slots: (table) => ({
      takeSlots: (engine, pool, want) => table.take(engine, pool, Math.max(want, Math.min(pool.concurrency, 100))),
    }),
  },
  {
    does: "grants none when there are fewer than wanted",
    slots: (table) => ({
      takeSlots: (engine, pool, want) => {
        const taken = table.take(engine, pool, want);
        if (taken.slots.length === want) return taken;
        table.free(taken.slots);
        return { slots: [], retryInMs: taken.retryInMs };
      },
    }),
  },
  {
    does: "has one set of slots for all pools",
    slots: (table) => ({ takeSlots: (engine, pool, want) => table.take(engine, { ...pool, name: "" }, want) }),
  },
  {
    does: "takes names of pools for the same that differ in their last letter",
    slots: (table) => ({
      takeSlots: (engine, pool, want) => table.take(engine, { ...pool, name: pool.name.trim() }, want),
    }),
  },
  { does: "never frees a slot that is given back", slots: () => ({ freeSlots: () => {} }) },
  {
    does: "frees a slot again for each time that it is given back",
    slots: (table) => {
      let spare = 0;
      const known = new Set<string>();
      return {
        takeSlots: (engine, pool, want) => {
          const taken = table.take(engine, { ...pool, concurrency: pool.concurrency + spare }, want);
          for (const slot of taken.slots) known.add(slot);
          return taken;
        },
        freeSlots: (slots) => {
          for (const slot of slots) if (!known.delete(slot)) spare++;
          table.free(slots);
        },
      };
    },
  },
  {
    does: "tells nobody of slots that are given back",
    slots: (table) => ({ freeSlots: (slots) => table.freeInSilence(slots) }),
  },
  { does: "keeps the slots of an engine that closed", methods: (base) => ({ close: (engine) => base.close(engine) }) },
  { does: "keeps the slots of engines that died", keepsSlots: true },
  {
    does: "knows no rate",
    slots: (table) => ({ takeSlots: (engine, pool, want) => table.take(engine, { ...pool, rate: null }, want) }),
  },
  {
    does: "says that the rate lets the next start be at once",
    slots: (table) => ({
      takeSlots: (engine, pool, want) => {
        const taken = table.take(engine, pool, want);
        return { ...taken, retryInMs: taken.retryInMs === null ? null : 0 };
      },
    }),
  },
];
