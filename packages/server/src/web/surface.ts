/**
 * One API of the server. Owns: the contract between `app.ts`, which knows HTTP, and the three surfaces, which know an API's words. Every
 * answer to a request of a surface is in that surface's envelope: refusals of the framework, unknown paths and crashes too.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { AuditEvent } from "../host/audit-log.ts";
import type { Fault } from "./fault.ts";

/** A whole answer. */
export interface Rendered {
  /** HTTP status; a surface may have another one for a fault than the fault itself. */
  readonly status: number;
  /** Content-Type. */
  readonly type: string;
  readonly body: string;
  /** Beside those of every response. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What may be known of a request that failed: HTTP may have understood none of it. */
export type AskedRequest = Pick<FastifyRequest, "method" | "url" | "id" | "headers"> & {
  /** Milliseconds since it came. */
  readonly elapsedMs: number;
  readonly query?: unknown;
  readonly body?: unknown;
};

/** See the head of this file. */
export interface Surface {
  readonly name: Exclude<AuditEvent["surface"], "server">;
  /** Whether a path, without its query, belongs to it. The first surface that says so has it. */
  owns(path: string): boolean;
  /** The refusal in this API's words. Never throws. */
  render(fault: Fault, request: AskedRequest): Rendered;
  /** Adds its routes. */
  register(app: FastifyInstance): void | Promise<void>;
}
