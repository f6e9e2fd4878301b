/**
 * Proving the fence on purpose: `postgres.prove-fenced` and `postgres.verify-restored`. A fence that was never tried is a hope; the
 * drill takes the primary out for a moment, shows that whoever starts it meanwhile gets a server that refuses writes, and puts it
 * back. Costs the cluster's writes for that moment.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text, texts } from "../step/input-schema.ts";
import { messageOf, refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query, sqlState } from "./client.ts";
import { writeMarker } from "./marker.ts";

interface Input {
  readonly primary: string;
  readonly standbys: readonly string[];
}
const schema = inputSchema<Input>({ primary: text, standbys: texts });

/** What the drill has shown. */
export interface ProvedFence {
  /** SQLSTATE with which the fenced server refused a write. */
  readonly refusedWith: string;
  /** Milliseconds that proving took. */
  readonly provedInMs: number;
}

/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY = "25006";
/** SQLSTATE duplicate_table: an earlier drill has left it there, and this server looked for it in order to write. */
const TABLE_EXISTS = "42P07";
/** In place of an SQLSTATE: the write was taken. */
const NOTHING = "nothing refused it";
const TABLE = "belay_fence_drill";
const START_TIMEOUT_MS = 30_000;

/** Starts the fenced server as a supervisor would, and expects it to refuse writes. Codes: FENCE_LEAKS, FENCE_NOT_PROVED, ROUTE_TAKEN. */
export function proveFenced(access: Access): ActionDefinition<Input, ProvedFence> {
  return defineAction<Input, ProvedFence>({
    description: "Starts the fenced node as a supervisor or a reboot would, and shows that it refuses writes.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary } = ctx.input;
      const startedAt = performance.now();
      const route = await access.route.current();
      if (route.writer !== null)
        refuse("ROUTE_TAKEN", `the route names ${route.writer} although the fence has emptied it`);
      await access.control.start(primary);
      try {
        const refusedWith = await until(`${primary} to answer`, access.wait(ctx, START_TIMEOUT_MS), () =>
          tryToWrite(access, ctx),
        );
        if (refusedWith === NOTHING || refusedWith === TABLE_EXISTS) {
          refuse(
            "FENCE_LEAKS",
            `the fenced ${primary} took a write: whoever starts it gets a second primary. Drop its table ${TABLE} once that is mended`,
          );
        }
        if (refusedWith !== READ_ONLY) {
          refuse(
            "FENCE_NOT_PROVED",
            `${primary} refused the drill with ${refusedWith}, not because it is read-only: whether it would take writes of others is not known`,
          );
        }
        return { refusedWith, provedInMs: Math.round(performance.now() - startedAt) };
      } finally {
        // An attempt that was told to end leaves it to the undoing, which may have started the primary by now.
        if (!ctx.signal.aborted) await access.control.stop(primary);
      }
    },
  });
}

/** The SQLSTATE of the refusal; NOTHING when the write was taken; undefined while the server does not answer yet. */
async function tryToWrite(access: Access, ctx: ActionContext<Input>): Promise<string | undefined> {
  try {
    await query(access.node(ctx.input.primary), `create table ${TABLE} ()`, [], access.call(ctx));
    return NOTHING;
  } catch (error) {
    ctx.signal.throwIfAborted();
    const state = sqlState(error);
    // 57P03: it is still starting.
    if (state === undefined || state === "57P03") {
      ctx.log(`not yet: ${messageOf(error)}`);
      return undefined;
    }
    return state;
  }
}

/** The old primary takes writes again and is on the route. Codes: ROUTE_TAKEN. */
export function verifyRestored(access: Access): ActionDefinition<Input, { readonly timeline: number }> {
  return defineAction<Input, { readonly timeline: number }>({
    description:
      "Checks that the primary takes writes again, on the same timeline, and that the clients are sent there.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary } = ctx.input;
      const status = await until(`${primary} to take writes`, access.wait(ctx, START_TIMEOUT_MS), async () => {
        const answer = await access.status(primary, ctx);
        return !answer.inRecovery && answer;
      });
      const { writer } = await access.route.current();
      if (writer !== primary) refuse("ROUTE_TAKEN", `the route names ${writer ?? "nobody"}, not ${primary}`);
      await writeMarker(access.node(primary), `${ctx.runId}/${ctx.nodeId}`, access.call(ctx));
      return { timeline: status.timeline };
    },
  });
}
