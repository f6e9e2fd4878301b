/**
 * `mariadb.rejoin`: the old writer becomes a replica of the new one, if need be by being copied anew.
 *
 * It first starts fenced: it refuses writes and replicates from nobody. If it holds transactions of its own that the writer never had,
 * it has diverged; semi-sync alone does not prevent that, a commit that nobody acknowledged is enough. (MariaDB takes such ones back
 * by itself when it starts with init-rpl-role=SLAVE, which see in ports.ts.) What a wipe would destroy is named
 * before it. Invariants: nothing is wiped before the divergence is proved, unless the plan says `reclone: always`; what was found
 * before a wipe is said after it, whoever ends the work (R42).
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { flag, inputSchema, oneOf, optional, text } from "../step/input-schema.ts";
import { messageOf, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { followWriter } from "./follow.ts";
import { noteFound, readFound } from "./rejoin-note.ts";
import type { ServerStatus } from "./server-status.ts";

interface Input {
  /** The server that rejoins. */
  readonly node: string;
  readonly writer: string;
  readonly semisync: boolean;
  /** When it may be wiped and copied anew: never, when it has diverged (default), or also when it does not start. */
  readonly reclone?: "never" | "diverged" | "always" | undefined;
}
const schema = inputSchema<Input>({
  node: text,
  writer: text,
  semisync: flag,
  reclone: optional(oneOf("never", "diverged", "always")),
});

/** What is known of a server before it is wiped. */
interface Found {
  /** What it had committed; null when it did not start. */
  readonly position: string | null;
  /** Its transactions that the writer never had, as GTIDs or ranges of them. */
  readonly divergedGtids: readonly string[];
  /** How many these are. */
  readonly divergedTransactions: number;
}

/** How the server came back. */
export interface Rejoined extends Found {
  readonly node: string;
  readonly writer: string;
  /** `direct`: as it was. `reclone`: wiped and copied. */
  readonly mode: "direct" | "reclone";
  /** Rows copied from the writer; 0 when it was not wiped, null when the process that copied them did not live to say so. */
  readonly copiedRows: number | null;
}

/** The action. Codes: SPLIT_BRAIN, DIVERGED, DOES_NOT_START_FENCED, NO_WRITER, and those of `mariadb.follow`. */
export function rejoin(access: Access): ActionDefinition<Input, Rejoined> {
  return defineAction<Input, Rejoined>({
    description: "Brings the old writer back as a replica; names what only it had and copies it anew if it diverged.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { node, writer, semisync, reclone = "diverged" } = ctx.input;
      const target = await access.status(writer, ctx);
      if (target.readOnly) refuse("NO_WRITER", `${writer} refuses writes: nothing can rejoin it`);
      const status = await startFenced(access, ctx);
      const known = { node, writer };
      const ranges = status === null ? [] : access.dialect.unshared(status, [target]);
      if (status !== null && ranges.length === 0) {
        await access.run(node, access.dialect.adopt(status), ctx);
        await followWriter(access, { replica: node, writer, semisync }, ctx);
        // An earlier attempt, or an earlier execution of this one, found it diverged: it was wiped since.
        const before = await readFound<Found>(access.node(writer), noteKey(ctx), access.call(ctx));
        if (before !== undefined) return { ...known, ...before, mode: "reclone", copiedRows: null };
        const { executed: position } = status;
        return { ...known, position, divergedGtids: [], divergedTransactions: 0, mode: "direct", copiedRows: 0 };
      }
      const found: Found = {
        position: status?.executed ?? null,
        divergedGtids: ranges.map(({ gtids }) => gtids),
        divergedTransactions: ranges.reduce((sum, { count }) => sum + count, 0),
      };
      ctx.log(`${node} has diverged from ${writer}: ${describe(found)}`);
      if (reclone === "never") {
        refuse("DIVERGED", `${node} cannot follow ${writer} as it is: ${describe(found)}. It stays fenced`, found);
      }
      await noteFound(access.node(writer), noteKey(ctx), found, access.call(ctx));
      const { rows } = await access.control.reclone(node, access.node(writer));
      await followWriter(access, { replica: node, writer, semisync }, ctx);
      return { ...known, ...found, mode: "reclone", copiedRows: rows };
    },
  });
}

function noteKey({ runId, nodeId }: ActionContext<Input>): string {
  return `${runId}/${nodeId}`;
}

/** The status of the server, which refuses writes; null when it does not start and may be copied anew. */
async function startFenced(access: Access, ctx: ActionContext<Input>): Promise<ServerStatus | null> {
  const { node, writer, reclone } = ctx.input;
  const { control } = access;
  // One that follows already, from an execution that was cut off, may start as it is.
  if ((await control.startRole(node)) === "writer") await control.setStartRole(node, "fenced");
  try {
    // Also when it runs: it may still be starting, since whoever began that has died.
    await control.start(node);
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (reclone === "always") return null;
    refuse(
      "DOES_NOT_START_FENCED",
      `${node} does not start: ${messageOf(error)}. Repair it, or save its data directory and rejoin it with reclone "always"`,
    );
  }
  const { readOnly } = await access.status(node, ctx);
  if (!readOnly) {
    refuse("SPLIT_BRAIN", `${node} runs and takes writes beside ${writer}: stop it before it rejoins`);
  }
  // A former replica may have gone on replicating by itself: what is compared, and adopted, must stand still.
  await access.run(node, [access.dialect.stop], ctx);
  return await access.status(node, ctx);
}

function describe({ position, divergedGtids, divergedTransactions }: Found): string {
  if (position === null) return "it does not start, so what it holds is not known";
  return `${divergedTransactions} transactions that the writer never had (${divergedGtids.join(", ")})`;
}
