/** Schemas of what is kept of a run beside its state: lines, audit trails, and the server's own audit log. */
import { anything, flag, nullable, object, oneOf, type Schema, text, time, whole } from "./build.ts";
import { RUN_STATUSES } from "./run.ts";

/** By the names that `ref` takes. */
export const RECORD_SCHEMAS: Readonly<Record<string, Schema>> = {
  LogLine: object(
    {
      at: time(),
      node: text(),
      attempt: whole(),
      compensation: flag("The node's compensation said it."),
      message: text(),
      details: anything(),
    },
    ["details"],
    "A line that a step logged.",
  ),
  TrailEntry: object(
    {
      seq: whole("The order, with gaps."),
      at: time(),
      by: oneOf(["operator", "engine"]),
      verb: text(),
      decision: nullable(oneOf(["VERIFIED", "AGAIN", "LOST"])),
      nodeId: nullable(text()),
      attempt: nullable(whole()),
      compensation: flag(),
      to: nullable(text()),
      who: nullable(text()),
      why: nullable(text()),
      requestId: nullable(text()),
      status: oneOf(RUN_STATUSES),
    },
    [],
    "What somebody asked of a run, or the engine decided about an attempt that was cut off.",
  ),
  AuditEvent: object(
    {
      at: time(),
      who: nullable(text("null = nobody proved who they are.")),
      surface: oneOf(["native", "ocp", "polardb", "server"]),
      action: text("start, a verb, or authenticate."),
      runId: nullable(text()),
      plan: nullable(text()),
      node: nullable(text()),
      why: nullable(text()),
      outcome: text("ok, or the code of the refusal."),
      remote: nullable(text("Address of the client.")),
      requestId: nullable(text("x-request-id of the answer.")),
    },
    [],
    "What somebody asked of the server, refused requests too.",
  ),
};
