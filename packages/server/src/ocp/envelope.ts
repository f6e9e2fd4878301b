/**
 * What is around every answer of OCP's API: six fields, and `data` or `error`. Owns: the fields, in OCP's alphabetical order;
 * times as OCP writes them.
 */
import { withOffset } from "@belay/engine/views";
import type { Fault } from "../web/fault.ts";
import type { AskedRequest, Rendered } from "../web/surface.ts";
import { ocpErrorOf } from "./errors.ts";

/** What the envelopes of a server say of it. */
export interface EnvelopeOptions {
  /** Address of the server: `server`, and the executor of its tasks. */
  readonly address: string;
  /** Minutes east of UTC of all times; null = as this machine's zone has it at each of them. */
  readonly utcOffsetMinutes: number | null;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A request, as far as its envelope tells of it. */
export type Told = Pick<AskedRequest, "id" | "elapsedMs">;

/** See the head of this file. */
export class Envelopes {
  readonly address: string;
  readonly #now: () => number;
  readonly #utcOffsetMinutes: number | null;

  constructor({ address, utcOffsetMinutes, now }: EnvelopeOptions) {
    this.address = address;
    this.#utcOffsetMinutes = utcOffsetMinutes;
    this.#now = now;
  }

  /** Minutes east of UTC at that time, epoch milliseconds; default: now. */
  offsetAt(at: number = this.#now()): number {
    // The zone's minutes count west of UTC; 0 is never -0.
    return this.#utcOffsetMinutes ?? 0 - new Date(at).getTimezoneOffset();
  }

  /** 2022-09-05T13:39:18.451+08:00 */
  time(at: number): string {
    return withOffset(new Date(at).toISOString(), this.offsetAt(at));
  }

  /** An answer; without `data` when there is nothing to say. */
  success(told: Told, data?: unknown): object {
    return { ...(data === undefined ? {} : { data }), ...this.#fields(told, 200, {}) };
  }

  /** A refusal. */
  refusal(fault: Fault, asked: AskedRequest): Rendered {
    const { status, code, message } = ocpErrorOf(fault, asked.headers.authorization !== undefined);
    const body = JSON.stringify(this.#fields(asked, status, { error: { code, message } }));
    return { status, type: "application/json; charset=utf-8", body };
  }

  #fields({ id, elapsedMs }: Told, status: number, error: object): object {
    return {
      duration: Math.max(0, Math.round(elapsedMs)),
      ...error,
      server: this.address,
      status,
      successful: status < 400,
      timestamp: this.time(this.#now()),
      traceId: traceIdOf(id),
    };
  }
}

/** 16 hex digits, the first ones of the request's id in the log and in the audit. */
export function traceIdOf(requestId: string): string {
  return requestId.replaceAll("-", "").slice(0, 16).padEnd(16, "0").toLowerCase();
}
