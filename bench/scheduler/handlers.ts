/**
 * The handlers that every contender calls. Owns: those that only count, which the clock sees, and those that check, which it
 * never does: each node once, begun after all of its upstreams have ended, no more at once than allowed.
 */
import { type Case, nodeOf } from "./workload.ts";

/** What a handler answers: nothing, at once or later. */
export type Answer = Promise<void> | undefined;

/** What an action of Belay is told about its node. */
interface Context {
  readonly nodeId: string;
  readonly parallelIdx: number;
}

/** The same handler by every way in which a contender names its nodes; of those that count, one and the same function. */
export interface Handlers {
  byNode(this: void, node: number): Answer;
  /** By the id of `idOf`. */
  byId(this: void, id: string): Answer;
  byContext(this: void, context: Context): Answer;
  /** For contenders that take a function for each node. */
  of(this: void, node: number): () => Answer;
  /** Forgets what ran. */
  reset(): void;
  /** Fails unless every node ran, once. */
  complete(): void;
}

/** What the clock sees: a handler that adds one. */
export function countingHandlers({ workload, size }: Case): Handlers {
  // A typed array: a counter that is a property or a variable may be boxed.
  const ran = new Uint32Array(1);
  const count =
    workload.handler === "async"
      ? async (): Promise<void> => {
          ran[0]!++;
        }
      : (): undefined => {
          ran[0]!++;
        };
  return {
    byNode: count,
    byId: count,
    byContext: count,
    of: () => count,
    reset: () => {
      ran[0] = 0;
    },
    complete: () => {
      if (ran[0] !== size) throw new Error(`${ran[0]} handlers ran of ${size} nodes`);
    },
  };
}

/** What an untimed round is held against. An asynchronous handler ends a turn later, so that who does not wait is caught. */
export function checkingHandlers({ workload, upstreams, size }: Case): Handlers {
  const begun = new Uint8Array(size);
  const ended = new Uint8Array(size);
  let running = 0;
  const begin = (node: number): void => {
    if (!(node >= 0 && node < size)) throw new Error(`there is no node ${node}`);
    if (begun[node] === 1) throw new Error(`node ${node} ran twice`);
    for (const up of upstreams[node]!)
      if (ended[up] !== 1) throw new Error(`node ${node} began before ${up} had ended`);
    begun[node] = 1;
    running++;
    if (running > workload.concurrency)
      throw new Error(`${running} handlers at once, of ${workload.concurrency} allowed`);
  };
  const end = (node: number): undefined => {
    running--;
    ended[node] = 1;
  };
  const handle =
    workload.handler === "async"
      ? async (node: number): Promise<void> => {
          begin(node);
          await undefined;
          end(node);
        }
      : (node: number): undefined => {
          begin(node);
          end(node);
        };
  return {
    byNode: handle,
    byId: (id) => handle(nodeOf(id, -1)),
    byContext: ({ nodeId, parallelIdx }) => handle(nodeOf(nodeId, parallelIdx)),
    of: (node) => () => handle(node),
    reset: () => {
      begun.fill(0);
      ended.fill(0);
    },
    complete: () => {
      const missing = ended.indexOf(0);
      if (missing !== -1) throw new Error(`node ${missing} never ran`);
    },
  };
}
