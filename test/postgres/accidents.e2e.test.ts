/**
 * Accidents that other tools have had in the field (docs/accidents.md), played on real servers: each is refused or repaired. One cluster
 * serves all cases, since each must leave it whole.
 */
import { createEngine, definePlan, type Json, type PlanDocument } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { postgresActions } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { query, withSession } from "../../packages/failover-plans/src/postgres/client.ts";
import { readStatus } from "../../packages/failover-plans/src/postgres/status.ts";
import { failuresOf, LiveDrill, type Roles, statusOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 60_000;
/** A row that the writer never gets. */
const ONLY_HERE = -99;

let drill: LiveDrill;
beforeAll(async () => {
  drill = await LiveDrill.create();
});
afterAll(async () => {
  await drill?.close();
});

const failover = ({ primary, standbys }: Roles): Record<string, Json> => ({ primary, standbys: [...standbys] });

/** The shipped plan with other limits: the waits of the real one are too long for a test. */
async function startWith(change: (document: PlanDocument) => PlanDocument, name: string, params: Record<string, Json>) {
  const engine = await createEngine({ actions: postgresActions(drill.cluster) });
  const run = await engine.start(definePlan(change(loadPlan(name).document)), {
    params: { cluster: "drill", ...params },
  });
  return { engine, run, snapshot: await run.settled() };
}

const withTimeout =
  (id: string, timeout: number) =>
  (document: PlanDocument): PlanDocument => ({
    ...document,
    nodes: document.nodes.map((node) => (node.id === id ? { ...node, timeout } : node)),
  });

test(
  "lagging replica promoted: the one of higher priority is passed over when another holds more",
  async () => {
    const roles = await drill.roles();
    const [behind = "", ahead = ""] = roles.standbys;
    await drill.act("postgres.freeze", { standby: behind, primary: roles.primary });
    await drill.keepRow(roles.primary);
    await drill.cluster.control.kill(roles.primary);
    const nodes = drill.cluster.nodes.map((node) => (node.name === behind ? { ...node, priority: 1000 } : node));
    const { snapshot } = await drill.start("postgres-failover", failover(roles), { access: { nodes } });
    expect(snapshot.status).toBe("SUCCESSFUL");
    const ranked = snapshot.nodes.find(({ id }) => id === "rank")?.output;
    expect(ranked).toMatchObject({ candidate: ahead, ranking: [{ name: ahead }, { name: behind, priority: 1000 }] });
    await drill.expectHealthy(ahead, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "lagging replica promoted: with the newest standby out of reach nothing is promoted until it is back",
  async () => {
    const roles = await drill.loseThePrimary();
    const [lost = "", left = ""] = roles.standbys;
    await drill.cluster.control.stop(lost);
    const { snapshot } = await drill.start("postgres-failover", failover(roles));
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(failuresOf(snapshot)).toEqual(["NO_QUORUM"]);
    expect(await drill.writers()).toEqual([]);
    await drill.cluster.control.start(lost);
    const again = await drill.start("postgres-failover", failover(roles));
    expect(again.snapshot.status).toBe("SUCCESSFUL");
    const [writer = ""] = await drill.writers();
    expect([lost, left]).toContain(writer);
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "revived half-cluster: its controller cannot take the route back, and its server comes back read-only",
  async () => {
    const roles = await drill.roles();
    const before = await drill.cluster.route.current();
    await drill.cluster.control.kill(roles.primary);
    const fault = { node: "rejoinOld", when: "before" } as const;
    const { snapshot } = await drill.start("postgres-failover", failover(roles), { fault });
    const [writer = ""] = await drill.writers();
    expect(snapshot.nodes.find(({ id }) => id === "publish")?.status).toBe("SUCCESSFUL");
    for (const epoch of [before.epoch, before.epoch + 1, before.epoch + 2]) {
      const publish = drill.act("postgres.publish-route", { writer: roles.primary, epoch });
      await expect(publish).rejects.toMatchObject({ code: "ROUTE_TAKEN" });
    }
    expect((await drill.cluster.route.current()).writer).toBe(writer);
    // Its supervisor starts it.
    await drill.cluster.control.start(roles.primary);
    expect(await readStatus(drill.node(roles.primary))).toMatchObject({ inRecovery: true, primaryConninfo: "" });
    expect(await drill.writers()).toEqual([writer]);
    const rejoined = await drill.start("rejoin-standby", { node: roles.primary, writer });
    expect(rejoined.snapshot.status).toBe("SUCCESSFUL");
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "two primaries: a standby that somebody promoted by hand stops the failover before anything is touched",
  async () => {
    const roles = await drill.loseThePrimary();
    const [byHand = "", other = ""] = roles.standbys;
    await query(drill.node(byHand), "select pg_promote(true, 20)");
    const { snapshot } = await drill.start("postgres-failover", failover(roles));
    expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
    expect(statusOf(snapshot, "fence")).toEqual(["PENDING"]);
    expect(await drill.writers()).toEqual([byHand]);
    expect((await drill.cluster.route.current()).writer).toBe(roles.primary);
    // What the operator is told to do: publish it, let the others follow it.
    const { epoch } = await drill.cluster.route.current();
    await drill.act("postgres.publish-route", { writer: byHand, epoch: epoch + 1 });
    for (const node of [other, roles.primary]) {
      const rejoined = await drill.start("rejoin-standby", { node, writer: byHand });
      expect(rejoined.snapshot.status, JSON.stringify(failuresOf(rejoined.snapshot))).toBe("SUCCESSFUL");
    }
    await drill.expectHealthy(byHand, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "half-done switchover: given up with the old primary stopped, it is finished by a failover, without a row lost",
  async () => {
    const roles = await drill.roles();
    await drill.keepRow(roles.primary);
    const params = { primary: roles.primary, standbys: [...roles.standbys], candidate: roles.standbys[0] ?? "" };
    const resting = (document: PlanDocument): PlanDocument => ({
      ...document,
      onFailure: "pause",
      nodes: document.nodes.map((node) => (node.id === "verifyShutdown" ? { ...node, action: "broken" } : node)),
    });
    const actions = {
      ...postgresActions(drill.cluster),
      broken: { idempotent: true, run: () => Promise.reject(new Error("the controller's machine is ill")) },
    };
    const engine = await createEngine({ actions });
    const plan = definePlan(resting(loadPlan("postgres-switchover").document));
    const run = await engine.start(plan, { params: { cluster: "drill", ...params } });
    expect((await run.settled()).status).toBe("FAILED");
    await run.abandon({ who: "operator", why: "another controller goes on" });
    await engine.close();
    expect(await drill.writers()).toEqual([]);
    const { snapshot } = await drill.start("postgres-failover", failover(roles));
    expect(snapshot.status, JSON.stringify(failuresOf(snapshot))).toBe("SUCCESSFUL");
    expect(snapshot.nodes.find(({ id }) => id === "rejoinOld")?.output).toMatchObject({ mode: "direct" });
    const [writer = ""] = await drill.writers();
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "endless wait: a candidate that never catches up ends the switchover in bounded time, and the old primary takes writes again",
  async () => {
    const roles = await drill.roles();
    const [candidate = ""] = roles.standbys;
    await query(drill.node(candidate), "alter system set recovery_min_apply_delay = '1h'");
    await query(drill.node(candidate), "select pg_reload_conf()");
    await drill.keepRow(roles.primary);
    const params = { primary: roles.primary, standbys: [...roles.standbys], candidate };
    const { engine, snapshot } = await startWith(withTimeout("drain", 2), "postgres-switchover", params);
    await engine.close();
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(failuresOf(snapshot)).toEqual(["TIMEOUT"]);
    await query(drill.node(candidate), "alter system reset recovery_min_apply_delay");
    await query(drill.node(candidate), "select pg_reload_conf()");
    await drill.expectHealthy(roles.primary, roles.timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "false rejoin: a diverged server is not taken for a standby, though its WAL receiver connects to the writer",
  async () => {
    const roles = await drill.roles();
    const { control } = drill.cluster;
    for (const standby of roles.standbys) await drill.act("postgres.freeze", { standby, primary: roles.primary });
    await withSession(drill.node(roles.primary), {}, async (session) => {
      await session.query("set synchronous_commit = local");
      await session.query("insert into kept values ($1)", [ONLY_HERE]);
    });
    await control.kill(roles.primary);
    const fault = { node: "rejoinOld", when: "before" } as const;
    await drill.start("postgres-failover", failover(roles), { fault });
    const [writer = ""] = await drill.writers();
    // By hand, as if it had not diverged.
    await control.markStandby(roles.primary, control.conninfo(roles.primary, drill.node(writer)));
    await control.start(roles.primary);
    const following = drill.act("postgres.follow", { standby: roles.primary, writer }, AbortSignal.timeout(5000));
    await expect(following).rejects.toMatchObject({ name: "TimeoutError" });
    const rejoined = await drill.start("rejoin-standby", {
      node: roles.primary,
      writer,
      salvage: { table: "kept", key: "id" },
    });
    expect(rejoined.snapshot.nodes.find(({ id }) => id === "rejoin")?.output).toMatchObject({
      mode: "reclone",
      salvageable: { count: 1, keys: [String(ONLY_HERE)] },
    });
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);
