/**
 * The steps around the switch: the cluster's status, and all that follows the promotion: waiting for the writer, readers, the log. Each is
 * idempotent.
 */
import { createHash } from "node:crypto";
import { type ActionDefinition, defineAction, type Json } from "@belay/engine";
import { amount, inputSchema, text } from "../step/input-schema.ts";
import type { HaLogEntry, SwitchOrder } from "./control.ts";
import { type ElectedPart, electedField, type PolarAccess } from "./switch-step.ts";

/** SwitchCauseCode and SwitchCauseDetail of a switch that somebody asked for. */
const CAUSE_CODE = "Platform.Ha.AuroraService.ManualOperations";
const CAUSE_DETAIL = "Platform.Ha.ManuallyTriggered";

interface StatusInput {
  readonly cluster: string;
}
const statusSchema = inputSchema<StatusInput>({ cluster: text });

/** `polardb.begin`: the cluster shows Switching; its output says when the switch began. */
export function beginAction({
  control,
  now,
}: PolarAccess): ActionDefinition<StatusInput, { readonly startedAt: number }> {
  return defineAction<StatusInput, { readonly startedAt: number }>({
    description: "Shows the cluster as Switching.",
    input: statusSchema,
    idempotent: true,
    run: async (ctx) => {
      const startedAt = now();
      await control.markStatus(ctx.input.cluster, "Switching", ctx);
      return { startedAt };
    },
  });
}

/** `polardb.end`: the cluster shows Running; also undoes `polardb.begin`. */
export function endAction({ control }: PolarAccess): ActionDefinition<StatusInput, void> {
  return defineAction<StatusInput, void>({
    description: "Shows the cluster as Running.",
    input: statusSchema,
    idempotent: true,
    run: (ctx) => control.markStatus(ctx.input.cluster, "Running", ctx),
  });
}

interface WriterInput {
  readonly cluster: string;
  /** Node id of the new writer. */
  readonly writer: string;
  /** Output of `polardb.elect`. */
  readonly elected: ElectedPart;
}
const writerFields = { cluster: text, writer: text, elected: electedField };

/** `polardb.await-writer`: the new writer takes writes. */
export function awaitWriterAction({
  control,
}: PolarAccess): ActionDefinition<WriterInput, { readonly writer: string }> {
  return defineAction<WriterInput, { readonly writer: string }>({
    description: "Waits until the new writer takes writes.",
    input: inputSchema<WriterInput>(writerFields),
    idempotent: true,
    run: async (ctx) => {
      await control.awaitWriter(orderOf(ctx.input), ctx);
      return { writer: ctx.input.writer };
    },
  });
}

interface ReaderInput extends WriterInput {
  /** Node id of the reader, or of the old writer. */
  readonly node: string;
}

/** `polardb.bring-reader`: a node follows the new writer. */
export function bringReaderAction({ control }: PolarAccess): ActionDefinition<ReaderInput, { readonly node: string }> {
  return defineAction<ReaderInput, { readonly node: string }>({
    description: "Makes a node a reader of the new writer, and waits until it follows.",
    input: inputSchema<ReaderInput>({ ...writerFields, node: text }),
    idempotent: true,
    run: async (ctx) => {
      await control.bringReader(orderOf(ctx.input), ctx.input.node, ctx);
      return { node: ctx.input.node };
    },
  });
}

interface LogInput {
  readonly cluster: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** `polardb.log-switch`: one entry of the HA log, kept once per run. */
export function logSwitchAction({ control, now }: PolarAccess): ActionDefinition<LogInput, HaLogEntry & Json> {
  return defineAction<LogInput, HaLogEntry & Json>({
    description: "Keeps the switch in the log that DescribeHALogs lists.",
    input: inputSchema<LogInput>({ cluster: text, startedAt: amount }),
    idempotent: true,
    run: async (ctx) => {
      const { cluster, startedAt } = ctx.input;
      const entry: HaLogEntry = {
        switchId: switchIdOf(ctx.runId),
        clusterId: cluster,
        causeCode: CAUSE_CODE,
        causeDetail: CAUSE_DETAIL,
        startedAt,
        // Two machines' clocks may differ, and the run may have moved from one to the other.
        finishedAt: Math.max(startedAt, now()),
      };
      return { ...(await control.noteSwitch(entry, ctx)) };
    },
  });
}

/** A run's SwitchId: always the same one, so that the entry is kept once, and a well-formed UUID (version 8). */
export function switchIdOf(runId: string): string {
  const hex = createHash("sha256").update(runId).digest("hex");
  const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function orderOf({ cluster, writer, elected }: WriterInput): SwitchOrder {
  const { from, readers, writerAnswered, generation } = elected;
  const others = readers.filter((node) => node !== writer);
  return { clusterId: cluster, from, to: writer, others, writerAnswered, generation };
}
