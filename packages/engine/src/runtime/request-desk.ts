/**
 * Requests of operators who are in another process, as an engine takes them from its journal (R37). Owns: that each is carried out
 * once and answered, one after the other, and that what was asked of a run while nobody executed it comes before it moves. Does not
 * own: what a request does (`requests.ts`).
 */
import type { Journal, OperatorRequest } from "../journal/port.ts";
import type { Run } from "./api.ts";
import { carryOutRequest } from "./requests.ts";

/** What it needs of the engine. */
export interface DeskHost {
  /** Name of the engine in the journal. */
  readonly name: string;
  readonly journal: Pick<Journal, "takeRequests" | "answer">;
  /** The run of that id, when the engine has it. */
  run(id: string): Run | undefined;
  /** The journal refused. */
  onError(error: unknown): void;
}

export class RequestDesk {
  readonly #host: DeskHost;
  /** Requests that are being carried out, by id, and when that is done. */
  readonly #inHand = new Map<string, Promise<void>>();
  #serving: Promise<void> | undefined;
  #askedAgain = false;
  #closed = false;

  constructor(host: DeskHost) {
    this.#host = host;
  }

  /** Does what is asked of runs of this engine; one after the other, each once. */
  serve(): void {
    // An engine that was closed in the tick in which it recovered has no journal to ask any more.
    if (this.#closed) return;
    if (this.#serving !== undefined) {
      this.#askedAgain = true;
      return;
    }
    this.#serving = this.#serve()
      .catch(this.#host.onError)
      .finally(() => {
        this.#serving = undefined;
        if (!this.#askedAgain) return;
        this.#askedAgain = false;
        this.serve();
      });
  }

  /** `move` lets the runs go on: they have what was asked of them meanwhile in their inbox by then. */
  async begin(runIds: readonly string[], move: () => void): Promise<void> {
    if (this.#closed) return;
    const { journal, name, onError } = this.#host;
    const ids = new Set(runIds);
    let asked: readonly OperatorRequest[] = [];
    try {
      if (ids.size > 0) asked = await journal.takeRequests(name);
    } catch {
      // They are asked for again below, which tells.
    }
    const answered = asked.filter(({ runId }) => ids.has(runId)).map((request) => this.#carryOut(request));
    move();
    await Promise.all(answered).catch(onError);
    this.serve();
  }

  /** Resolves once nothing is being served. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#serving;
    await Promise.allSettled(this.#inHand.values());
  }

  async #serve(): Promise<void> {
    for (const request of await this.#host.journal.takeRequests(this.#host.name)) await this.#carryOut(request);
  }

  /** A request that is being carried out is not carried out beside that. */
  async #carryOut(request: OperatorRequest): Promise<void> {
    const { requestId, runId } = request;
    const run = this.#host.run(runId);
    if (run === undefined || this.#inHand.has(requestId)) return;
    const done = this.#answer(run, request);
    this.#inHand.set(requestId, done);
    try {
      await done;
    } finally {
      this.#inHand.delete(requestId);
    }
  }

  async #answer(run: Run, request: OperatorRequest): Promise<void> {
    const answer = await carryOutRequest(run, request);
    if (answer !== undefined) await this.#host.journal.answer(request.requestId, answer);
  }
}
