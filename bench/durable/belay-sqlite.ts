/** Belay on its SQLite journal, with durability "full": an fsync before anything is acted upon. */
import { join } from "node:path";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { openBelayChains, storedChains } from "./belay-chains.ts";
import type { Contender, Place } from "./contender.ts";

export async function openBelaySqlite({ folder }: Place): Promise<Contender> {
  const file = join(folder, "journal.db");
  const { play, close } = await openBelayChains(openSqliteJournal(file, { durability: "full" }));
  return {
    settings: "durability full",
    play,
    async stored(work) {
      const reader = openSqliteReader(file);
      try {
        return await storedChains(work, reader);
      } finally {
        reader.close();
      }
    },
    close,
  };
}
