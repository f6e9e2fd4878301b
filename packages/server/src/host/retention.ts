/**
 * How long runs that have ended are kept. Without it a server that lives for years keeps every run it ever had, in its journal and in
 * memory. Owns: when what is too old is dropped. A client token is known as long as its run.
 */
import type { Clock, Engine } from "@belay/engine";

/** Between two looks. */
const LOOK_MS = 600_000;

/** Drops runs that ended longer ago than that, now and every ten minutes; the answer ends it. A failure is told, and tried again. */
export function dropOldRuns(
  engine: Pick<Engine, "prune">,
  clock: Clock,
  keepMs: number,
  onError: (error: unknown) => void,
): () => void {
  let isOver = false;
  let forget = (): void => undefined;
  const look = (): void => {
    if (isOver) return;
    engine
      .prune({ endedBefore: clock.now() - keepMs })
      .catch((error: unknown) => {
        if (!isOver) onError(error);
      })
      .finally(() => {
        if (!isOver) forget = clock.schedule(LOOK_MS, look);
      });
  };
  forget = clock.schedule(0, look);
  return () => {
    isOver = true;
    forget();
  };
}
