/**
 * Events of one run: typed listeners (eventemitter3) and async iterators over all events. Owns: delivery order, which is
 * the order of emission, and the isolation of listeners: one that throws never reaches the engine. Cost of an event
 * nobody listens to: two lookups.
 */
import { EventEmitter } from "eventemitter3";
import type { AnyRunEvent, RunEventMap, RunEventName } from "./api.ts";

type Listener<K extends RunEventName> = (event: RunEventMap[K]) => void;

/** Readers of an ended run get what is left, then the end. */
interface Reader {
  readonly queue: AnyRunEvent[];
  wake: (() => void) | undefined;
}

export class RunEmitter {
  readonly #emitter = new EventEmitter();
  readonly #readers = new Set<Reader>();
  readonly #onListenerError: (error: unknown) => void;
  #ended = false;

  /** `onListenerError` gets what a listener threw. */
  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  on<K extends RunEventName>(type: K, listener: Listener<K>): void {
    this.#emitter.on(type, this.#guard(listener), listener);
  }

  once<K extends RunEventName>(type: K, listener: Listener<K>): void {
    this.#emitter.once(type, this.#guard(listener), listener);
  }

  /** Takes a listener back, however it was added. */
  off<K extends RunEventName>(type: K, listener: Listener<K>): void {
    this.#emitter.off(type, undefined, listener);
  }

  /** The listener is also its own context: `off` finds the guarded one by it. */
  #guard<K extends RunEventName>(listener: Listener<K>): Listener<K> {
    return (event) => {
      try {
        // An asynchronous listener answers a promise, whatever its type says.
        const later: unknown = listener(event);
        if (later instanceof Promise) later.catch((error: unknown) => this.#report(error));
      } catch (error) {
        this.#report(error);
      }
    };
  }

  /** Whoever is told of a listener's error may fail as well; the run goes on all the same. */
  #report(error: unknown): void {
    try {
      this.#onListenerError(error);
    } catch {
      process.emitWarning("onListenerError threw", "BelayListenerWarning");
    }
  }

  /** Whether anybody would see an event of that type. */
  wants(type: RunEventName): boolean {
    return this.#readers.size > 0 || this.#emitter.listenerCount(type) > 0;
  }

  emit<K extends RunEventName>(type: K, event: RunEventMap[K]): void {
    for (const reader of this.#readers) {
      reader.queue.push({ type, ...event } as AnyRunEvent);
      reader.wake?.();
    }
    this.#emitter.emit(type, event);
  }

  /** The run goes on after it had stopped on a fault. */
  reopen(): void {
    this.#ended = false;
  }

  /** The run reached a terminal state: iterators end once they are read out. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake?.();
  }

  /** All events from now on, the tick of this call included. `return` ends it at once, a waiting `next` too. */
  read(): AsyncIterableIterator<AnyRunEvent> {
    const reader: Reader = { queue: [], wake: undefined };
    this.#readers.add(reader);
    const close = (): Promise<IteratorResult<AnyRunEvent>> => {
      this.#readers.delete(reader);
      reader.queue.length = 0;
      reader.wake?.();
      return Promise.resolve({ done: true, value: undefined });
    };
    const iterator: AsyncIterableIterator<AnyRunEvent> = {
      next: () => this.#next(reader),
      return: close,
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  async #next(reader: Reader): Promise<IteratorResult<AnyRunEvent>> {
    while (reader.queue.length === 0) {
      if (this.#ended || !this.#readers.has(reader)) {
        this.#readers.delete(reader);
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        const before = reader.wake;
        reader.wake = () => {
          before?.();
          resolve();
        };
      });
      reader.wake = undefined;
    }
    return { done: false, value: reader.queue.shift() as AnyRunEvent };
  }
}
