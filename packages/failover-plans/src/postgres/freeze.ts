/**
 * `postgres.freeze` and its undoing `postgres.unfreeze`: a standby stops receiving, so that positions can be compared while they
 * stand still. It does not wait for the dead side: a half-dead primary can keep its walsenders for a long time.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, optional, text, textOrEmpty } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { quoteLiteral, withSession } from "./client.ts";
import { endOfWal, isEndOfWalKnown } from "./status.ts";

interface Input {
  readonly standby: string;
  /** The primary it followed. */
  readonly primary: string;
  /** What it followed, as it was written; nothing, or "" (nobody) = to be composed anew when the freeze is undone. */
  readonly savedConninfo?: string | undefined;
}
const schema = inputSchema<Input>({ standby: text, primary: text, savedConninfo: optional(textOrEmpty) });

/** A frozen standby. */
export interface FrozenStandby {
  readonly name: string;
  /** End of the WAL that it holds. */
  readonly lsn: string;
}

/** Milliseconds for a WAL receiver to end, and for a restarted standby to replay what it holds. */
const FREEZE_TIMEOUT_MS = 20_000;

/** Stops receiving and waits until the WAL receiver is gone. */
export function freeze(access: Access): ActionDefinition<Input, FrozenStandby> {
  return defineAction<Input, FrozenStandby>({
    description: "The standby stops receiving WAL, so that its position stands still.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { standby } = ctx.input;
      await setPrimaryConninfo(access, standby, "", ctx);
      const what = `${standby} to stop receiving and to replay what is on its disk`;
      const frozen = await until(what, access.wait(ctx, FREEZE_TIMEOUT_MS), async () => {
        const status = await access.status(standby, ctx);
        return status.walReceiver === null && isEndOfWalKnown(status) && status;
      });
      return { name: standby, lsn: endOfWal(frozen) };
    },
  });
}

/** Undoes `postgres.freeze`: the standby follows again whom it followed. Code: PROMOTED_ALREADY. */
export function unfreeze(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "The standby follows again whom it followed before.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { standby, primary, savedConninfo } = ctx.input;
      const status = await access.status(standby, ctx);
      if (!status.inRecovery) refuse("PROMOTED_ALREADY", `${standby} takes writes: it cannot follow ${primary} again`);
      const conninfo = savedConninfo || access.control.conninfo(standby, access.node(primary));
      await setPrimaryConninfo(access, standby, conninfo, ctx);
    },
  });
}

/** Writes primary_conninfo ("" = follow nobody) and makes the server read it. */
export async function setPrimaryConninfo(
  access: Access,
  standby: string,
  conninfo: string,
  ctx: { readonly signal: AbortSignal },
): Promise<void> {
  await withSession(access.node(standby), access.call(ctx), async (session) => {
    await session.query(`alter system set primary_conninfo = ${quoteLiteral(conninfo)}`);
    await session.query("select pg_reload_conf()");
  });
}
