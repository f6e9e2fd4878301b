/**
 * Streams of events of all runs. Owns: the channel of each run that somebody reads, where its events come from, how long it waits for
 * readers to come back. A run of this engine tells its events; of one that another engine has, or nobody, the journal is looked at. A run
 * that has ended, and whose events nobody keeps any more, is a snapshot and the end.
 */
import { Readable } from "node:stream";
import { type AnyRunEvent, RUN_EVENT_NAMES, type Run, type RunSnapshot } from "@belay/engine";
import type { Host } from "../host/host.ts";
import { Fault } from "../web/fault.ts";
import { Channel, frame, type Joined } from "./channel.ts";
import { isOver, viewOf } from "./run-view.ts";
import { unknownRun } from "./runs.ts";
import { STREAM_LIMITS, type StreamLimits } from "./stream-limits.ts";

interface Source {
  /** The run as it stands, no older than the last event of the channel. */
  readonly shown: () => string;
  /** Lets go of where its events come from. */
  readonly detach: () => void;
}

interface Open extends Source {
  readonly channel: Channel;
  timer: NodeJS.Timeout | undefined;
}

/** After these nothing follows. */
const LAST_EVENTS: ReadonlySet<string> = new Set(["run:succeeded", "run:rolled-back", "run:abandoned"]);

/** See the head of this file. */
export class RunStreams {
  readonly #host: Host;
  readonly #limits: StreamLimits;
  readonly #open = new Map<string, Open>();
  #heart: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(host: Host, limits: Partial<StreamLimits> = {}) {
    this.#host = host;
    this.#limits = { ...STREAM_LIMITS, ...limits };
  }

  /** Channels that are open, those that wait for readers too. */
  get size(): number {
    return this.#open.size;
  }

  /** A reader of a run. Throws a Fault: NOT_FOUND, UNAVAILABLE. */
  async join(runId: string, lastId: string | undefined): Promise<Joined> {
    const run = this.#host.engine.run(runId);
    const stored = run === undefined ? await this.#host.snapshot(runId) : undefined;
    if (run === undefined && stored === undefined) throw unknownRun(runId);
    const snapshot = (): RunSnapshot => run?.snapshot() ?? (stored as RunSnapshot);
    const open = this.#open.get(runId);
    if (open === undefined && isOver(snapshot())) return ended(snapshot(), lastId);
    this.#checkRoom();
    const { channel, shown } = open ?? this.#opened(runId, run, snapshot());
    this.#stay(runId);
    const joined = channel.join(lastId, shown);
    if (channel.readers === 0) this.#linger(runId);
    return joined;
  }

  /** Ends all streams. */
  close(): void {
    this.#closed = true;
    for (const runId of [...this.#open.keys()]) this.#drop(runId);
  }

  /** Keeps connections open on which nothing happens. */
  beat(): void {
    for (const { channel } of this.#open.values()) channel.beat();
  }

  #checkRoom(): void {
    if (this.#closed) throw new Fault(503, "UNAVAILABLE", "the server goes down");
    let readers = 0;
    for (const { channel } of this.#open.values()) readers += channel.readers;
    if (readers < this.#limits.readers) return;
    throw new Fault(503, "UNAVAILABLE", "too many streams are read at once", { headers: { "retry-after": "10" } });
  }

  #opened(runId: string, run: Run | undefined, snapshot: RunSnapshot): Open {
    if (this.#open.size >= this.#limits.channels) this.#makeRoom();
    const channel = new Channel(this.#limits);
    channel.onDeserted = () => this.#linger(runId);
    const source = run === undefined ? this.#look(runId, channel, snapshot) : this.#listen(runId, channel, run);
    const open: Open = { ...source, channel, timer: undefined };
    this.#open.set(runId, open);
    this.#heart ??= setInterval(() => this.beat(), this.#limits.heartbeatMs).unref();
    return open;
  }

  #makeRoom(): void {
    const [idle] = [...this.#open].find(([, { channel }]) => channel.readers === 0) ?? [];
    if (idle === undefined) {
      throw new Fault(503, "UNAVAILABLE", "too many runs are read at once", { headers: { "retry-after": "10" } });
    }
    this.#drop(idle);
  }

  #listen(runId: string, channel: Channel, run: Run): Source {
    const listeners = RUN_EVENT_NAMES.map((type) => {
      const listener = (event: object): void => {
        channel.publish(type, JSON.stringify({ type, ...event } as AnyRunEvent));
        if (!LAST_EVENTS.has(type)) return;
        channel.end();
        this.#linger(runId);
      };
      run.on(type, listener);
      return () => run.off(type, listener);
    });
    const detach = (): void => {
      for (const off of listeners) off();
    };
    return { shown: () => viewOf(run.snapshot()).json, detach };
  }

  #look(runId: string, channel: Channel, first: RunSnapshot): Source {
    let last = viewOf(first);
    const look = async (): Promise<void> => {
      // It has come here: its events are told from now on, to readers that come anew.
      if (this.#host.engine.run(runId) !== undefined) return this.#drop(runId);
      const snapshot = await this.#host.snapshot(runId);
      if (snapshot === undefined) return this.#drop(runId);
      const view = viewOf(snapshot);
      if (view.etag === last.etag) return;
      last = view;
      channel.publish("snapshot", view.json);
      if (!isOver(snapshot)) return;
      channel.end();
      this.#linger(runId);
    };
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      // A journal that cannot be read now may be readable later.
      void look().then(
        () => {
          busy = false;
        },
        () => {
          busy = false;
        },
      );
    }, this.#limits.lookMs).unref();
    return { shown: () => last.json, detach: () => clearInterval(timer) };
  }

  /** Somebody reads again. */
  #stay(runId: string): void {
    const open = this.#open.get(runId);
    clearTimeout(open?.timer);
    if (open !== undefined) open.timer = undefined;
  }

  #linger(runId: string): void {
    const open = this.#open.get(runId);
    if (open === undefined) return;
    clearTimeout(open.timer);
    open.timer = setTimeout(() => this.#drop(runId), this.#limits.lingerMs).unref();
  }

  #drop(runId: string): void {
    const open = this.#open.get(runId);
    if (open === undefined) return;
    this.#open.delete(runId);
    clearTimeout(open.timer);
    open.detach();
    open.channel.end();
    if (this.#open.size > 0) return;
    clearInterval(this.#heart);
    this.#heart = undefined;
  }
}

/** A run that nothing follows on: its snapshot, unless the reader has that. */
function ended(snapshot: RunSnapshot, lastId: string | undefined): Joined {
  const { json, etag } = viewOf(snapshot);
  const id = `end-${etag.replaceAll('"', "")}`;
  if (lastId === id) return { kind: "over" };
  return { kind: "stream", stream: Readable.from([frame(id, "snapshot", json)]) };
}
