/**
 * Every shipped plan, every node failing, both failure policies: the run ends as the plan's page in docs/plans says (R14, R30, R33, R34).
 * What is expected is computed from the plan's graph here, not from the engine. Actions are stubs: what they do to real servers is
 * tested where the servers are.
 */
import {
  type ActionContext,
  type ActionRegistry,
  createEngine,
  definePlan,
  type NodeDocument,
  NonRetryable,
} from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { describe, expect, test } from "vitest";
import { SETTINGS } from "../fixtures/shipped-settings.ts";

interface Ended {
  readonly status: string;
  /** Nodes that started and those that were undone, groups by their own id. */
  readonly started: ReadonlySet<string>;
  readonly undone: ReadonlySet<string>;
}

/** Plays the plan with that policy; `failing` fails in every attempt. */
async function play(name: string, failing: string, onFailure: "pause" | "rollback"): Promise<Ended> {
  const setting = SETTINGS[name] ?? { params: {}, outputs: {} };
  const { document } = loadPlan(name);
  const undone = new Set<string>();
  const stub = async (ctx: ActionContext): Promise<unknown> => {
    const id = declared(ctx.nodeId);
    if (ctx.idempotencyKey.includes("/undo/")) {
      undone.add(id);
      return undefined;
    }
    if (id === failing) throw new NonRetryable("it fails", { code: "FAILS" });
    return setting.outputs[id];
  };
  const names = document.nodes.flatMap(({ action, compensation }) => [action, compensation?.action ?? action]);
  const actions: ActionRegistry = Object.fromEntries(names.map((action) => [action, { idempotent: true, run: stub }]));
  const engine = await createEngine({ actions });
  const run = await engine.start(definePlan({ ...document, onFailure }), { params: setting.params });
  const { status, nodes } = await run.settled();
  await engine.close();
  const started = new Set(nodes.filter((node) => node.started).map((node) => node.group ?? node.id));
  return { status, started, undone };
}

/** The id in the plan: of a member, its group's. */
function declared(nodeId: string): string {
  return nodeId.replace(/\[\d+\]$/, "");
}

function ancestorsOf(nodes: readonly NodeDocument[], ids: Iterable<string>): Set<string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Set<string>();
  const left = [...ids];
  for (let id = left.pop(); id !== undefined; id = left.pop())
    for (const upstream of byId.get(id)?.upstreams ?? [])
      if (!found.has(upstream)) {
        found.add(upstream);
        left.push(upstream);
      }
  return found;
}

describe.each(Object.keys(SETTINGS))("%s", (name) => {
  const { nodes } = loadPlan(name).document;
  const barriers = new Set(nodes.filter(({ prohibitRollback }) => prohibitRollback === true).map(({ id }) => id));

  test.each(nodes.map(({ id }) => id))(
    "R14: with pause, a failure of %s leaves everything as it is",
    async (failing) => {
      const { status, started, undone } = await play(name, failing, "pause");
      const tolerated = nodes.find(({ id }) => id === failing)?.onFailure === "continue";
      expect(status).toBe(tolerated ? "SUCCESSFUL" : "FAILED");
      // R21: a candidate that failed is undone before the next one is tried, whatever the policy.
      const candidates = nodes.filter(({ id, split }) => id === failing && split?.method === "FIRST_SUCCESS");
      expect([...undone]).toEqual(candidates.map(({ id }) => id));
      expect(started).toContain(failing);
      for (const id of ancestorsOf(nodes, [failing])) expect(started).toContain(id);
    },
  );

  test.each(nodes.map(({ id }) => id))(
    "R30, R34: with rollback, a failure of %s undoes all but what led to a barrier",
    async (failing) => {
      const { status, started, undone } = await play(name, failing, "rollback");
      if (nodes.find(({ id }) => id === failing)?.onFailure === "continue") {
        expect(status).toBe("SUCCESSFUL");
        expect([...undone]).toEqual([]);
        return;
      }
      const crossed = [...barriers].filter((id) => started.has(id));
      expect(status).toBe(crossed.length === 0 ? "ROLLED_BACK" : "PARTIALLY_ROLLED_BACK");
      const stands = new Set([...crossed, ...ancestorsOf(nodes, crossed)]);
      const expected = nodes
        .filter(({ id, compensation }) => compensation !== undefined && started.has(id) && !stands.has(id))
        .map(({ id }) => id);
      expect([...undone].sort()).toEqual(expected.sort());
    },
  );
});
