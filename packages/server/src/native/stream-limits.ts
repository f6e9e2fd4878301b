/** How much streams of events may cost: memory, readers, time. Owns: the bounds and the ones of a server. */

/** Bounds of a channel. */
export interface ChannelLimits {
  /** Events kept for readers that come back. */
  readonly events: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Bytes that a reader has not read yet, beside those it began with; beyond it, it is disconnected. */
  readonly unread: number;
}

/** Bounds of all streams. */
export interface StreamLimits extends ChannelLimits {
  /** Milliseconds between comments that keep connections open. */
  readonly heartbeatMs: number;
  /** Milliseconds that a channel without readers waits for one to come back. */
  readonly lingerMs: number;
  /** Milliseconds between looks at a run of another engine. */
  readonly lookMs: number;
  /** Channels at once. */
  readonly channels: number;
  /** Readers at once, over all channels. */
  readonly readers: number;
}

/** Those of a server. */
export const STREAM_LIMITS: StreamLimits = {
  events: 10_000,
  bytes: 8 * 2 ** 20,
  unread: 2 ** 20,
  heartbeatMs: 15_000,
  lingerMs: 60_000,
  lookMs: 1000,
  channels: 1000,
  readers: 4000,
};
