/**
 * Events of one run: typed listeners (eventemitter3) and async iterators over all events. Owns: delivery order, which is
 * the order of emission, and the isolation of listeners: one that throws never reaches the engine. Cost of an event
 * nobody listens to: a bit.
 */
import { EventEmitter } from "eventemitter3";
import type { AnyRunEvent, RunEventMap, RunEventName } from "./api.ts";
import { RUN_EVENT_NAMES } from "./event.ts";

type Listener<K extends RunEventName> = (event: RunEventMap[K]) => void;

/** Readers of an ended run get what is left, then the end. */
interface Reader {
  readonly queue: AnyRunEvent[];
  wake: (() => void) | undefined;
}

/** A bit for each event's name. */
const BITS: Readonly<Record<string, number>> = Object.fromEntries(RUN_EVENT_NAMES.map((name, bit) => [name, 1 << bit]));

/** The bits of these events, to be compared with `RunEmitter.heard`. */
export function bitsOf(names: readonly RunEventName[]): number {
  return names.reduce((bits, name) => bits | (BITS[name] as number), 0);
}

const EVERY_EVENT = bitsOf(RUN_EVENT_NAMES);

export class RunEmitter {
  /** Bits of the events that somebody would see, see `bitsOf`. */
  heard = 0;
  readonly #emitter = new EventEmitter();
  readonly #guards = new WeakMap<object, unknown>();
  readonly #readers = new Set<Reader>();
  readonly #onListenerError: (error: unknown) => void;
  /** Bits of the events to which somebody has listened once: after one of these it is looked who is left. */
  #once = 0;
  #ended = false;

  /** `onListenerError` gets what a listener threw. */
  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  on<K extends RunEventName>(type: K, listener: Listener<K>): void {
    this.#emitter.on(type, this.#guard(listener));
    this.#listen();
  }

  once<K extends RunEventName>(type: K, listener: Listener<K>): void {
    this.#emitter.once(type, this.#guard(listener));
    this.#once |= BITS[type] as number;
    this.#listen();
  }

  /** Takes a listener back, however it was added. */
  off<K extends RunEventName>(type: K, listener: Listener<K>): void {
    this.#emitter.off(type, this.#guard(listener));
    this.#listen();
  }

  /** The same for the same listener: `off` finds it by that. */
  #guard<K extends RunEventName>(listener: Listener<K>): Listener<K> {
    const known = this.#guards.get(listener);
    if (known !== undefined) return known as Listener<K>;
    const guarded = this.#guarded(listener);
    this.#guards.set(listener, guarded);
    return guarded;
  }

  #guarded<K extends RunEventName>(listener: Listener<K>): Listener<K> {
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
    return (this.heard & (BITS[type] as number)) !== 0;
  }

  #listen(): void {
    this.heard = 0;
    for (const name of this.#emitter.eventNames()) this.heard |= BITS[name as RunEventName] as number;
    if (this.#readers.size > 0) this.heard = EVERY_EVENT;
  }

  emit<K extends RunEventName>(type: K, event: RunEventMap[K]): void {
    if (this.#readers.size > 0) this.#tellReaders(type, event);
    if (!this.#emitter.emit(type, event)) return;
    // Who listened once does no more.
    if ((this.#once & (BITS[type] as number)) !== 0 && this.#emitter.listenerCount(type) === 0) this.#listen();
  }

  /** An object for each. */
  #tellReaders<K extends RunEventName>(type: K, event: RunEventMap[K]): void {
    for (const reader of this.#readers) {
      reader.queue.push({ type, ...event } as AnyRunEvent);
      reader.wake?.();
    }
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
    this.#listen();
    const close = (): Promise<IteratorResult<AnyRunEvent>> => {
      this.#leave(reader);
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

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    this.#listen();
  }

  async #next(reader: Reader): Promise<IteratorResult<AnyRunEvent>> {
    while (reader.queue.length === 0) {
      if (this.#ended || !this.#readers.has(reader)) {
        this.#leave(reader);
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
