/**
 * The floors: what running a graph costs without an engine. Kahn's loop over CSR arrays, with in-degrees and a ring of ready
 * nodes in typed arrays, and nothing else: no ids, states, priorities, failures, timeouts, events, journal or rollback.
 *
 * Which of them is used follows what was fastest: worker loops with `await` under a limit, pooled slots whose callbacks are bound
 * once without one, a plain loop for handlers that answer at once. All are linear in nodes and edges.
 */
import type { Contender } from "./contender.ts";
import type { Answer } from "./handlers.ts";
import type { Case } from "./workload.ts";

/** Downstream edges of every node. */
interface Csr {
  readonly inDegree: Int32Array;
  readonly offset: Int32Array;
  readonly target: Int32Array;
}

/** Of one run. */
interface State {
  readonly waiting: Int32Array;
  readonly ready: Int32Array;
}

type Handle = (node: number) => Answer;

/** The floor that fits the workload. */
export function openFloor({ upstreams, workload }: Case): Contender {
  let csr: Csr;
  let state: State;
  return {
    build() {
      csr = csrOf(upstreams);
    },
    start() {
      state = { waiting: csr.inDegree.slice(), ready: new Int32Array(csr.inDegree.length) };
    },
    run({ byNode }) {
      if (workload.handler === "sync") return runPlain(csr, state, byNode);
      if (workload.concurrency === Number.POSITIVE_INFINITY) return runSlots(csr, state, byNode);
      return runWorkers(csr, state, byNode, workload.concurrency);
    },
  };
}

export function csrOf(upstreams: Case["upstreams"]): Csr {
  const size = upstreams.length;
  const inDegree = new Int32Array(size);
  const offset = new Int32Array(size + 1);
  for (let v = 0; v < size; v++) {
    const ups = upstreams[v]!;
    inDegree[v] = ups.length;
    for (const u of ups) offset[u + 1]!++;
  }
  for (let v = 0; v < size; v++) offset[v + 1]! += offset[v]!;
  const next = offset.slice(0, size);
  const target = new Int32Array(offset[size]!);
  for (let v = 0; v < size; v++) for (const u of upstreams[v]!) target[next[u]!++] = v;
  return { inDegree, offset, target };
}

function roots({ waiting, ready }: State): number {
  let tail = 0;
  for (let v = 0; v < waiting.length; v++) if (waiting[v] === 0) ready[tail++] = v;
  return tail;
}

/** Handlers that answer at once. */
async function runPlain({ offset, target }: Csr, state: State, handle: Handle): Promise<void> {
  const { waiting, ready } = state;
  let tail = roots(state);
  for (let head = 0; head < tail; head++) {
    const v = ready[head]!;
    void handle(v);
    for (let e = offset[v]!, end = offset[v + 1]!; e < end; e++) {
      const w = target[e]!;
      if (--waiting[w]! === 0) ready[tail++] = w;
    }
  }
}

/** At most `limit` loops, each awaiting one handler after the other; one that finds nothing ready ends. */
function runWorkers({ offset, target }: Csr, state: State, handle: Handle, limit: number): Promise<void> {
  const { waiting, ready } = state;
  let head = 0;
  let tail = roots(state);
  let working = 0;
  return new Promise((resolve, reject) => {
    const work = async (): Promise<void> => {
      while (head < tail) {
        const v = ready[head++]!;
        await handle(v);
        for (let e = offset[v]!, end = offset[v + 1]!; e < end; e++) {
          const w = target[e]!;
          if (--waiting[w]! === 0) ready[tail++] = w;
        }
        // This loop takes the next one itself.
        while (working < limit && tail - head > 1) begin();
      }
      if (--working === 0) resolve();
    };
    const begin = (): void => {
      working++;
      work().catch(reject);
    };
    for (let worker = 0; worker < limit && head < tail; worker++) begin();
    if (working === 0) resolve();
  });
}

interface Slot {
  node: number;
  readonly ok: () => void;
}

/** Every ready node at once; a slot is taken for each, and used again. A handler that fails ends the process. */
function runSlots({ offset, target }: Csr, state: State, handle: Handle): Promise<void> {
  const { waiting, ready } = state;
  const free: Slot[] = [];
  let head = 0;
  let tail = roots(state);
  let running = 0;
  return new Promise((resolve) => {
    const settle = (v: number): void => {
      running--;
      for (let e = offset[v]!, end = offset[v + 1]!; e < end; e++) {
        const w = target[e]!;
        if (--waiting[w]! === 0) ready[tail++] = w;
      }
      if (head < tail) pump();
      else if (running === 0) resolve();
    };
    const newSlot = (): Slot => {
      const slot: Slot = {
        node: -1,
        ok: () => {
          free.push(slot);
          settle(slot.node);
        },
      };
      return slot;
    };
    const pump = (): void => {
      while (head < tail) {
        const slot = free.pop() ?? newSlot();
        slot.node = ready[head++]!;
        running++;
        void (handle(slot.node) as Promise<void>).then(slot.ok);
      }
    };
    pump();
    if (running === 0) resolve();
  });
}
