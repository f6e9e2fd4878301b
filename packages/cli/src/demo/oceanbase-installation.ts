/** What an OceanBase demo needs of its clusters or tenants, and what they are told of the demo. */
import type { ActionRegistry, Json } from "@belay/engine";

/** Milliseconds between two looks of an action that waits. */
export const POLL_MS = 150;

/** One installation. */
export interface Installation {
  /** In one sentence, what it is and how it stands. */
  readonly about: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly actions: ActionRegistry;
  /** Statements that changed something so far. */
  readonly statements: readonly string[];
  /** All of it as JSON, for another process. */
  save(): object;
  close(): Promise<void>;
}

/** What an installation is told of its surroundings. */
export interface Surrounding {
  /** Called before each call of the model. */
  readonly before: (call: { readonly method: string }) => Promise<void>;
  /** Called after each change. */
  readonly after: () => void;
}
