/**
 * The port to what no database can say of itself: short notes under a key, such as that a run has begun to make somebody primary, or
 * that a tenant must be rebuilt. Owns: the contract, the keys, the notes in memory. A note stays until somebody takes it back.
 */
import type { Json } from "@belay/engine";

/** A place for notes. */
export interface Notes {
  /** The note under a key; undefined when there is none. */
  readNote(key: string): Promise<Json | undefined>;
  /** Writes a note over the one that is there; null takes it back. */
  writeNote(key: string, value: Json): Promise<void>;
}

/**
 * Key of the note that a run has begun to promote `name`. It is written before the statement is given and taken back once the promotion
 * is known to be undone: while it stands, whoever does not answer may be primary.
 */
export function promotionKey(runId: string): string {
  return `promotion/${runId}`;
}

/** Key of the note that a tenant may not follow the present primary before it is rebuilt. */
export function rebuildKey(name: string): string {
  return `rebuild/${name}`;
}

/** Notes that end with the process. */
export function createNotes(): Notes {
  const notes = new Map<string, Json>();
  return {
    readNote: async (key) => notes.get(key),
    async writeNote(key, value) {
      if (value === null) notes.delete(key);
      else notes.set(key, value);
    },
  };
}
