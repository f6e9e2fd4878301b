/**
 * `postgres.block-writes` and its undoing `postgres.allow-writes`: new transactions of the old primary are read-only, and those who
 * were connected are disconnected.
 *
 * Backends are terminated, never canceled: canceling a commit that waits for a standby reports SUCCESS to its client. The setting is
 * a default that a client may override; only the stop that follows is a real barrier.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import { until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query } from "./client.ts";

interface Input {
  readonly primary: string;
}
const schema = inputSchema<Input>({ primary: text });

/** Milliseconds for a reloaded setting to reach new sessions. */
const RELOAD_TIMEOUT_MS = 10_000;

/** The action. */
export function blockWrites(access: Access): ActionDefinition<Input, { readonly terminated: number }> {
  return defineAction<Input, { readonly terminated: number }>({
    description: "Makes the old primary read-only for new transactions and disconnects its clients.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      await alterReadOnly(access, ctx, true);
      const rows = await query<{ terminated: number }>(
        access.node(ctx.input.primary),
        `select count(pg_terminate_backend(pid))::int as terminated from pg_stat_activity
          where backend_type = 'client backend' and pid <> pg_backend_pid()`,
        [],
        access.call(ctx),
      );
      return { terminated: rows[0]?.terminated ?? 0 };
    },
  });
}

/** Undoes `postgres.block-writes`. */
export function allowWrites(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Makes the old primary accept writes again.",
    input: schema,
    idempotent: true,
    run: (ctx) => alterReadOnly(access, ctx, false),
  });
}

/** Sets or resets the default and waits until a new session sees it: a reload takes effect some time after it was asked for. */
async function alterReadOnly(access: Access, ctx: ActionContext<Input>, readOnly: boolean): Promise<void> {
  const { primary } = ctx.input;
  const node = access.node(primary);
  const setting = readOnly ? "set default_transaction_read_only = on" : "reset default_transaction_read_only";
  await query(node, `alter system ${setting}`, [], access.call(ctx));
  await query(node, "select pg_reload_conf()", [], access.call(ctx));
  const what = `${primary} to ${readOnly ? "refuse" : "accept"} writes`;
  await until(what, access.wait(ctx, RELOAD_TIMEOUT_MS), async () => {
    const status = await access.status(primary, ctx);
    return status.readOnlyByDefault === readOnly;
  });
}
