/**
 * What a failover of real MariaDB servers must not get wrong: whom it refuses, whom it passes over, what it says of what is lost.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ActionContext } from "@belay/engine";
import { mariadbActions } from "@belay/failover-plans/mariadb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NodeControl } from "../../packages/failover-plans/src/mariadb/ports.ts";
import { connect, query } from "../../packages/failover-plans/src/mysql-client/client.ts";
import { explain, failuresOf, hasMariadb, LiveDrill, outputOf, PATIENT, statusesOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 40_000;

describe.skipIf(!hasMariadb)("on real servers", () => {
  let drill: LiveDrill;
  beforeAll(async () => {
    drill = await LiveDrill.create();
  });
  afterAll(async () => {
    await drill?.close();
  });

  function controlBut(changes: Partial<NodeControl>): NodeControl {
    const { control } = drill.cluster;
    return {
      kill: (name) => control.kill(name),
      start: (name) => control.start(name),
      isRunning: (name) => control.isRunning(name),
      setStartRole: (name, role) => control.setStartRole(name, role),
      startRole: (name) => control.startRole(name),
      reclone: (name, source) => control.reclone(name, source),
      replicationUser: (name, source) => control.replicationUser(name, source),
      ...changes,
    };
  }

  test(
    "a writer that answers is not failed over, and the switchover is named",
    async () => {
      const roles = await drill.roles();
      const { snapshot } = await drill.start("mariadb-failover", { ...roles });
      expect(failuresOf(snapshot)).toEqual(["OLD_WRITER_ANSWERS"]);
      expect(snapshot.nodes[1]?.error?.message).toContain("use mariadb-switchover");
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a writer that only this side cannot reach is not failed over: its replicas are still connected to it",
    async () => {
      const roles = await drill.roles();
      const nodes = drill.cluster.nodes.map((node) => (node.name === roles.writer ? { ...node, port: 1 } : node));
      const { snapshot } = await drill.start("mariadb-failover", { ...roles }, { access: { nodes } });
      expect(failuresOf(snapshot)).toEqual(["OLD_WRITER_STREAMS"]);
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a writer that hangs, with its replicas still attached, is fenced and replaced by force",
    async () => {
      const roles = await drill.roles();
      await drill.keepRow(roles.writer);
      const pid = Number(await readFile(join(drill.cluster.dataDir, roles.writer, "mariadbd.pid"), "utf8"));
      process.kill(pid, "SIGSTOP");
      const { snapshot } = await drill.start("mariadb-failover", { ...roles, force: true });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      await drill.expectHealthy(String(outputOf(snapshot, "rank")["candidate"]));
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a replica with an errant transaction is no candidate: refused, then left out, then copied anew with what only it had named",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [sound = "", errant = ""] = replicas;
      await drill.expectHealthy(writer);
      // An administrator's session, which read_only does not bind.
      await drill.sql(errant, "insert into app.kept values (-1)");
      const switchover = await drill.start("mariadb-switchover", { writer, replicas, candidate: sound });
      expect(failuresOf(switchover.snapshot)).toEqual(["REPLICA_NOT_READY"]);
      await drill.cluster.control.kill(writer);
      const refused = await drill.start("mariadb-failover", { writer, replicas });
      expect(failuresOf(refused.snapshot)).toEqual(["NO_QUORUM"]);
      const details = refused.snapshot.nodes.find(({ id }) => id === "checkReplicas")?.error?.details;
      expect(details).toMatchObject({ rejected: [{ name: errant, code: "ERRANT" }] });
      expect(await drill.writers()).toEqual([]);
      const { snapshot } = await drill.start("mariadb-failover", { writer, replicas, quorum: 1 });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      expect(outputOf(snapshot, "rank")).toMatchObject({ candidate: sound, others: [] });
      const rejoin = await drill.start("mariadb-rejoin", { node: errant, writer: sound });
      expect(rejoin.snapshot.status, explain(rejoin.snapshot)).toBe("SUCCESSFUL");
      expect(outputOf(rejoin.snapshot, "rejoin")).toMatchObject({ mode: "reclone", divergedTransactions: 1 });
      await drill.expectHealthy(sound);
      const left = await query(drill.client(errant), "select id from kept where id < 0");
      expect(left).toEqual([]);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a replica that lags in receiving is passed over, though it is preferred",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [ahead = "", behind = ""] = replicas;
      await drill.expectHealthy(writer);
      await drill.sql(behind, "stop slave io_thread");
      for (let row = 0; row < 3; row++) await drill.keepRow(writer);
      await drill.cluster.control.kill(writer);
      const nodes = drill.cluster.nodes.map((node) => (node.name === behind ? { ...node, priority: 1000 } : node));
      const { snapshot } = await drill.start("mariadb-failover", { writer, replicas }, { access: { nodes } });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      const passed = [{ name: behind, code: "BEHIND", reason: `lacks 3 transactions that ${ahead} has` }];
      expect(outputOf(snapshot, "rank")).toMatchObject({ candidate: ahead, passed });
      await drill.expectHealthy(ahead);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a replica that has received everything and not applied it is passed over, though it is preferred",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [ahead = "", slow = ""] = replicas;
      await drill.expectHealthy(writer);
      const lock = await connect(drill.node(slow), PATIENT);
      await lock.query("flush tables with read lock");
      for (let row = 0; row < 3; row++) await drill.keepRow(writer);
      await drill.eventually(async () => {
        const { executed, replica } = await drill.status(slow);
        expect(executed).not.toBe(replica?.received);
      });
      await drill.cluster.control.kill(writer);
      const nodes = drill.cluster.nodes.map((node) => (node.name === slow ? { ...node, priority: 1000 } : node));
      // Asked for when a replica is pointed at the new writer: from here on the slow one may go on.
      const control = controlBut({
        replicationUser: (name, source) => {
          void lock.end();
          return drill.cluster.control.replicationUser(name, source);
        },
      });
      const params = { writer, replicas, drainSeconds: 1 };
      const { snapshot } = await drill.start("mariadb-failover", params, { access: { nodes, control } });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      expect(outputOf(snapshot, "rank")).toMatchObject({
        candidate: ahead,
        passed: [{ name: slow, code: "NOT_DRAINED" }],
      });
      await drill.expectHealthy(ahead);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "beyond the lag ceiling nobody is promoted, and the old writer takes writes again",
    async () => {
      const roles = await drill.loseTheWriter();
      const { snapshot } = await drill.start("mariadb-failover", { ...roles, lastKnownGtid: "0-1-999999999" });
      expect(failuresOf(snapshot)).toEqual(["LAG_CEILING"]);
      expect(snapshot.status).toBe("ROLLED_BACK");
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "with the writer and a replica gone nobody is promoted, unless an operator says so",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [lone = "", gone = ""] = replicas;
      // Every acknowledged row must reach the one that stays, or this test would lose one by its own doing.
      await drill.expectHealthy(writer);
      await drill.cluster.control.kill(gone);
      await drill.cluster.control.kill(writer);
      const refused = await drill.start("mariadb-failover", { writer, replicas });
      expect(failuresOf(refused.snapshot)).toEqual(["NO_QUORUM"]);
      expect(await drill.writers()).toEqual([]);
      // The new writer waits for an acknowledgement that nobody can give yet: the plan's own row must not wait with it.
      const { snapshot } = await drill.start("mariadb-failover", { writer, replicas, quorum: 1 });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      expect(statusesOf(snapshot, "repoint")).toEqual(["SKIPPED"]);
      expect(statusesOf(snapshot, "rejoinOld")).toEqual(["SUCCESSFUL"]);
      const rejoin = await drill.start("mariadb-rejoin", { node: gone, writer: lone });
      expect(rejoin.snapshot.status, explain(rejoin.snapshot)).toBe("SUCCESSFUL");
      await drill.expectHealthy(lone);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a replica that was restarted has forgotten what it acknowledged: nobody is promoted over that, and the row is kept",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [deaf = "", witness = ""] = replicas;
      await drill.expectHealthy(writer);
      await drill.sql(deaf, "stop slave io_thread");
      // What the witness acknowledges from here on waits in its relay log, and nowhere else.
      const lock = await connect(drill.node(witness), PATIENT);
      await lock.query("flush tables with read lock");
      await drill.keepRow(writer);
      await drill.cluster.control.kill(witness);
      await drill.cluster.control.kill(writer);
      await lock.end();
      await drill.cluster.control.start(witness);
      await drill.sql(deaf, "start slave io_thread");
      const { snapshot } = await drill.start("mariadb-failover", { writer, replicas });
      expect(failuresOf(snapshot)).toEqual(["NO_QUORUM"]);
      const details = snapshot.nodes.find(({ id }) => id === "checkReplicas")?.error?.details;
      expect(details).toMatchObject({ rejected: [{ name: witness, code: "RESTARTED" }] });
      await drill.cluster.control.start(writer);
      await drill.expectHealthy(writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a commit that nobody acknowledged is taken back by the old writer when it comes back: it need not be wiped",
    async () => {
      const { writer, replicas } = await drill.roles();
      await drill.expectHealthy(writer);
      for (const name of replicas) await drill.sql(name, "stop slave io_thread");
      const hanging = query(drill.client(writer), "insert into kept values (-7)", [], PATIENT).catch(() => "cut");
      await drill.eventually(async () => {
        const rows = await query(drill.node(writer), "show status like 'Rpl_semi_sync_master_wait_sessions'");
        expect(rows[0]).toMatchObject({ Value: "1" });
      });
      await drill.cluster.control.kill(writer);
      expect(await hanging).toBe("cut");
      const { snapshot } = await drill.start("mariadb-failover", { writer, replicas, reclone: "never" });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      expect(outputOf(snapshot, "rejoinOld"), explain(snapshot)).toMatchObject({ mode: "direct" });
      await drill.expectHealthy(String(outputOf(snapshot, "rank")["candidate"]));
      expect(await query(drill.client(writer), "select id from kept where id = -7")).toEqual([]);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "an old writer that has diverged stays fenced when it must not be wiped; copied anew, what only it had is named",
    async () => {
      const { writer, replicas } = await drill.roles();
      await drill.expectHealthy(writer);
      await drill.diverge({ writer, replicas }, [-8, -9]);
      await drill.cluster.control.kill(writer);
      const { snapshot } = await drill.start("mariadb-failover", { writer, replicas, reclone: "never" });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      const failed = snapshot.nodes.find(({ id }) => id === "rejoinOld")?.error;
      expect(failed).toMatchObject({ code: "DIVERGED", details: { divergedTransactions: 2 } });
      expect(await drill.status(writer)).toMatchObject({ readOnly: true, replica: null });
      const [candidate = ""] = await drill.writers();
      const rejoin = await drill.start("mariadb-rejoin", { node: writer, writer: candidate });
      const found = outputOf(rejoin.snapshot, "rejoin");
      expect(found, explain(rejoin.snapshot)).toMatchObject({ mode: "reclone", divergedTransactions: 2 });
      expect(found["divergedGtids"]).toEqual([expect.stringMatching(/^0-\d+-\d+\.\.\d+$/)]);
      await drill.expectHealthy(candidate);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "right before the promotion a fence that broke, and a run that was overtaken, are refused",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [candidate = ""] = replicas;
      const { epoch } = await drill.cluster.route.current();
      const input = { candidate, writer, fencedBy: "down", epoch };
      await expect(drill.act("mariadb.promote", input)).rejects.toMatchObject({ code: "FENCE_BROKEN" });
      const readonly = { ...input, fencedBy: "readonly" };
      await expect(drill.act("mariadb.promote", readonly)).rejects.toMatchObject({ code: "FENCE_BROKEN" });
      const control = controlBut({ isRunning: async () => false });
      const promote = mariadbActions({ ...drill.cluster, control })["mariadb.promote"];
      if (typeof promote !== "object") throw new Error("no promote");
      const ctx = { signal: new AbortController().signal, input } as unknown as ActionContext;
      await expect(promote.run(ctx)).rejects.toMatchObject({ code: "ROUTE_TAKEN" });
      await drill.expectHealthy(writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "R42: after a crash the candidate itself says whether it was promoted",
    async () => {
      const { writer, replicas } = await drill.roles();
      const promote = mariadbActions(drill.cluster)["mariadb.promote"];
      if (typeof promote !== "object" || promote.verify === undefined) throw new Error("promote has no verify");
      const signal = new AbortController().signal;
      const ask = async (candidate: string): Promise<unknown> =>
        await promote.verify?.({ signal, input: { candidate } } as unknown as ActionContext);
      expect(await ask(writer)).toMatchObject({ done: true, output: { writer } });
      expect(await ask(replicas[0] ?? "")).toEqual({ done: false });
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a switchover whose old writer dies once it refuses writes goes on, and the old writer comes back as a replica",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [candidate = ""] = replicas;
      await drill.keepRow(writer);
      // Asked for right before the promotion.
      const control = controlBut({
        isRunning: async (name) => {
          if (name === writer && (await drill.writers()).length === 0) await drill.cluster.control.kill(name);
          return await drill.cluster.control.isRunning(name);
        },
      });
      const planned = { writer, replicas, candidate };
      const { snapshot } = await drill.start("mariadb-switchover", planned, { access: { control } });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      expect(outputOf(snapshot, "rejoinOld")).toMatchObject({ node: writer, mode: "direct" });
      await drill.expectHealthy(candidate);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a switchover ends when somebody writes past the block",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [candidate = ""] = replicas;
      await drill.keepRow(writer);
      const stale = { writer, candidate, position: "0-1-1" };
      await expect(drill.act("mariadb.catch-up", stale)).rejects.toMatchObject({ code: "WRITES_GO_ON" });
      await drill.expectHealthy(writer);
    },
    CASE_TIMEOUT_MS,
  );
});
