/** Belay on its PostgreSQL journal, at the server that the other contenders use. */
import { openPostgresJournal, openPostgresReader } from "@belay/engine/postgres";
import { openBelayChains, storedChains } from "./belay-chains.ts";
import type { Contender, Place } from "./contender.ts";
import { openDatabase } from "./postgres-session.ts";

export async function openBelayPostgres({ postgres }: Place): Promise<Contender> {
  const { address, settings, end } = await openDatabase(postgres);
  const { play, close } = await openBelayChains(openPostgresJournal({ address }));
  return {
    settings,
    play,
    async stored(work) {
      const reader = openPostgresReader({ address });
      try {
        return await storedChains(work, reader);
      } finally {
        await reader.close();
      }
    },
    async close() {
      await close();
      await end();
    },
  };
}
