/**
 * `mariadb.catch-up`: the proof that a candidate has everything before it is promoted in a switchover. The candidate itself waits for
 * the position; that nothing follows it on the old writer is looked at afterwards. Reads only.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { query } from "../mysql-client/client.ts";
import { inputSchema, text, textOrEmpty } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";

interface Input {
  readonly writer: string;
  readonly candidate: string;
  /** Where the old writer stood when it refused writes. */
  readonly position: string;
}
const schema = inputSchema<Input>({ writer: text, candidate: text, position: textOrEmpty });

/** Seconds for the candidate to catch up while writes are blocked. */
const CATCH_UP_SECONDS = 30;
/** Beyond the server's own limit. */
const QUERY_TIMEOUT_MS = 40_000;

/** The action. Codes: NOT_CAUGHT_UP, WRITES_GO_ON. */
export function catchUp(access: Access): ActionDefinition<Input, { readonly position: string }> {
  return defineAction<Input, { readonly position: string }>({
    description: "Waits until the candidate has committed everything the old writer did. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, candidate, position } = ctx.input;
      const { dialect } = access;
      if (position !== "") {
        const { text: statement, values, reached } = dialect.waitFor(position, CATCH_UP_SECONDS);
        const limits = { ...access.call(ctx), queryTimeoutMs: QUERY_TIMEOUT_MS };
        const [row] = await query(access.node(candidate), statement, values, limits);
        if (!reached(row)) {
          const { executed } = await access.status(candidate, ctx);
          const behind = dialect.missing(executed, position);
          refuse("NOT_CAUGHT_UP", `${candidate} lacks ${behind} transactions after ${CATCH_UP_SECONDS} s`);
        }
      }
      const { executed } = await access.status(writer, ctx);
      const more = dialect.missing(position, executed);
      if (more > 0) {
        refuse(
          "WRITES_GO_ON",
          `${more} transactions were committed on ${writer} although it refuses writes: somebody with administrator's rights writes there`,
        );
      }
      return { position };
    },
  });
}
