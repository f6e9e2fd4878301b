/**
 * PostgreSQL actions over a cluster of which no server runs: the control is a record of what it was asked for. For whatever an action
 * must refuse before it touches anything.
 */
import type { ActionContext, Json } from "@belay/engine";
import { type NodeControl, postgresActions } from "@belay/failover-plans/postgres";
import { memoryRoute } from "../../packages/failover-plans/src/route/route-memory.ts";

// Nothing listens on port 1.
export const nodes = ["pg1", "pg2", "pg3"].map((name) => ({
  name,
  host: "127.0.0.1",
  port: 1,
  user: "u",
  database: "d",
  priority: 1,
}));

interface Given {
  readonly input: Json;
  readonly output?: Json;
  readonly error?: { readonly code: string };
  readonly signal?: AbortSignal;
  readonly previousStillRunning?: boolean;
}

/** Actions over a route with that entry; `asked` is what the control was asked for, `answers` what it says; `port` that of every node. */
export function actionsOn(writer: string | null, epoch: number, answers: Partial<NodeControl> = {}, port = 1) {
  const asked: string[] = [];
  const route = memoryRoute({ writer, epoch });
  const control = new Proxy({} as NodeControl, {
    get:
      (_, verb: keyof NodeControl) =>
      (node: string, ...given: unknown[]) => {
        asked.push(`${verb} ${node}`);
        const answer = answers[verb] as ((node: string, ...given: unknown[]) => unknown) | undefined;
        return Promise.resolve(answer?.(node, ...given));
      },
  });
  const actions = postgresActions({
    nodes: nodes.map((node) => ({ ...node, port })),
    control,
    route,
    connectTimeoutMs: 100,
  });
  const act = async (name: string, { signal = new AbortController().signal, ...given }: Given): Promise<unknown> => {
    const action = actions[name];
    if (typeof action !== "object") throw new Error(`no action ${name}`);
    const said = { log: () => undefined, heartbeat: () => undefined };
    const ctx = { ...said, signal, runId: "r", nodeId: "n", fencingTokens: { lock: 1 }, ...given };
    return await action.run(ctx as unknown as ActionContext);
  };
  return { act, asked, route };
}
