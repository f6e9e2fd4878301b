/**
 * `mariadb.verify-writer`: the promoted node takes writes, will do so after a restart, and waits for its replicas from now on if the
 * cluster is semi-synchronous. Writes one marker row.
 *
 * The marker is written before semi-sync is switched on: nobody listens yet who could acknowledge it. Clients come only after that, when
 * the route is published, so that none of their commits is acknowledged by the new writer alone.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { withSession } from "../mysql-client/client.ts";
import { flag, inputSchema, text } from "../step/input-schema.ts";
import { until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { writeMarker } from "./marker.ts";

interface Input {
  readonly writer: string;
  /** Whether it waits for an acknowledgement of every commit from now on. */
  readonly semisync: boolean;
}
const schema = inputSchema<Input>({ writer: text, semisync: flag });

/** A writer that was seen to write. */
export interface VerifiedWriter {
  readonly writer: string;
  readonly semisync: boolean;
}

/** Milliseconds for the new writer to answer as one. */
const VERIFY_TIMEOUT_MS = 20_000;

/** The action. */
export function verifyWriter(access: Access): ActionDefinition<Input, VerifiedWriter> {
  return defineAction<Input, VerifiedWriter>({
    description: "Checks that the new writer accepts a marker row; from now on it starts as the writer.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, semisync } = ctx.input;
      const { semisync: switchTo } = access.dialect;
      await until(`${writer} to be the writer`, access.wait(ctx, VERIFY_TIMEOUT_MS), async () => {
        const status = await access.status(writer, ctx);
        return status.replica === null && !status.readOnly;
      });
      await withSession(access.node(writer), access.call(ctx), async (session) => {
        // It may be on from its own configuration, or from an execution of this step that was cut off.
        if (semisync) for (const statement of switchTo("replica")) await session.query(statement);
        await writeMarker(session, `${ctx.runId}/${ctx.nodeId}`);
        if (semisync) for (const statement of switchTo("writer")) await session.query(statement);
      });
      await access.control.setStartRole(writer, "writer");
      return { writer, semisync };
    },
  });
}
