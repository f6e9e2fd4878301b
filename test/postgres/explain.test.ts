/**
 * The guidance for operators: for every way a run can end there are sentences, and none of them is dangerous advice.
 */
import type { NodeSnapshot, RunSnapshot, RunStatus } from "@belay/engine";
import { explainPostgresRun } from "@belay/failover-plans/postgres";
import { describe, expect, test } from "vitest";
import { rowsOf } from "../../packages/failover-plans/src/postgres/salvage.ts";

type Part = Partial<NodeSnapshot> & { readonly id: string };

function node(part: Part): NodeSnapshot {
  return {
    group: null,
    name: part.id,
    description: null,
    nodeType: "TASK",
    action: "a",
    status: "PENDING",
    operation: "EXECUTE",
    skipReason: null,
    tolerated: false,
    parallelIdx: -1,
    seriesId: 0,
    runTime: 1,
    started: part.status !== undefined && part.status !== "PENDING",
    waiting: null,
    upstreams: [],
    downstreams: [],
    prohibitRollback: false,
    timeout: 0,
    startTime: null,
    finishTime: null,
    item: undefined,
    output: undefined,
    error: null,
    compensation: null,
    ...part,
  };
}

function explain(status: RunStatus, parts: readonly Part[], planName = "postgres-failover"): string {
  const nodes = parts.map(node);
  const snapshot: RunSnapshot = {
    id: "r",
    planName,
    planHash: "",
    title: "",
    status,
    operation: "EXECUTE",
    prohibitRollback: false,
    startTime: "",
    finishTime: null,
    clientToken: null,
    startedBy: null,
    fault: null,
    nodes,
    groups: [],
  };
  return explainPostgresRun(snapshot).join("\n");
}

const failure = (code: string): NodeSnapshot["error"] => ({ code, message: `because of ${code}`, retryable: false });
const down: Part = { id: "confirmDown", status: "SUCCESSFUL", output: { primary: "a" } };
const ranked: Part = { id: "rank", status: "SUCCESSFUL", output: { candidate: "b" } };
const fenced: Part = { id: "fence", status: "SUCCESSFUL", output: { primary: "a" } };

describe("the guidance for operators", () => {
  test("a run of another plan is not explained", () => {
    expect(explain("SUCCESSFUL", [], "something-else")).toBe("");
  });

  test("a successful failover names the writer, what follows it, and that nothing is left to do", () => {
    const words = explain("SUCCESSFUL", [
      down,
      ranked,
      { id: "promote", status: "SUCCESSFUL", output: { writer: "b" } },
      { id: "repoint[0]", group: "repoint", status: "SUCCESSFUL", output: { standby: "c" } },
      { id: "rejoinOld", status: "SUCCESSFUL", output: { mode: "direct" } },
    ]);
    expect(words).toBe(
      "b takes writes and the clients are sent there.\nProved to follow it: c.\nNothing is left to do.",
    );
  });

  test("rows that only the old primary had are not passed over in silence", () => {
    const words = explain("SUCCESSFUL", [
      down,
      ranked,
      {
        id: "rejoinOld",
        status: "SUCCESSFUL",
        output: { mode: "reclone", divergedBytes: 528, salvageable: { table: "t", key: "id", count: 3, keys: [] } },
      },
    ]);
    expect(words).toContain("a held 528 bytes of WAL that nobody else has");
    expect(words).toContain("3 rows of t existed only there");
    expect([rowsOf(1, "t"), rowsOf(0, "t")]).toEqual(["1 row of t", "0 rows of t"]);
  });

  test("an old primary that stayed away is named with its cause and the plan that brings it back", () => {
    const words = explain("SUCCESSFUL", [
      down,
      ranked,
      { id: "rejoinOld", status: "FAILED", tolerated: true, error: failure("DOES_NOT_START_FENCED") },
    ]);
    expect(words).toContain("a is not back (DOES_NOT_START_FENCED)");
    expect(words).toContain("start plan rejoin-standby");
    expect(words).toContain("do not start it as a primary");
    expect(words).toMatch(/belay run rejoin-standby.yaml --actions MODULE --params cluster=CLUSTER node=a writer=\w+/);
    expect(words).not.toContain("Nothing is left to do");
  });

  test("a failure before the fence says that nothing was changed", () => {
    const words = explain("ROLLED_BACK", [
      { id: "confirmDown", status: "FAILED", error: failure("OLD_PRIMARY_ANSWERS") },
    ]);
    expect(words).toContain('"confirmDown" failed (OLD_PRIMARY_ANSWERS)');
    expect(words).toContain("Nothing was changed");
  });

  test("a rolled back failover says that the old primary takes writes again", () => {
    const words = explain("ROLLED_BACK", [
      down,
      { ...fenced, status: "COMPENSATED" },
      { id: "rank", status: "FAILED", error: failure("LAG_CEILING") },
    ]);
    expect(words).toContain("a is the primary again");
    expect(words).toContain("because of LAG_CEILING");
  });

  test("a rollback that cannot restart the old primary says how to get a writer in either case", () => {
    const compensation = {
      action: "postgres.unfence",
      runTime: 1,
      startTime: null,
      finishTime: null,
      error: failure("OLD_PRIMARY_DOES_NOT_START"),
    };
    const words = explain("ROLLBACK_FAILED", [down, { ...fenced, status: "COMPENSATION_FAILED", compensation }]);
    expect(words).toContain("because of OLD_PRIMARY_DOES_NOT_START");
    expect(words).toContain("Repair it.");
    expect(words).toContain('skip the rollback of "fence"');
    expect(words).toContain("roll back again");
  });

  test.each(["ROUTE_TAKEN", "PROMOTED_ALREADY"])(
    "%s: nobody is told to repair the old primary, or to roll back again, while another node may take writes",
    (code) => {
      const compensation = {
        action: "postgres.unfence",
        runTime: 1,
        startTime: null,
        finishTime: null,
        error: failure(code),
      };
      const words = explain("ROLLBACK_FAILED", [down, { ...fenced, status: "COMPENSATION_FAILED", compensation }]);
      expect(words).toContain("Do not start a as a primary");
      expect(words).toContain('skip the rollback of "fence"');
      expect(words).not.toMatch(/[Rr]epair it|roll back again|Nobody takes writes|Nothing was promoted/);
    },
  );

  test.each(["PARTIALLY_ROLLED_BACK", "FAILED", "CANCELED", "PAUSED", "ABANDONED"] as const)(
    "R33: after a promotion, in %s, nobody is told to start the old primary or to roll back",
    (status) => {
      const words = explain(status, [
        down,
        { ...fenced },
        ranked,
        { id: "promote", status: "SUCCESSFUL", prohibitRollback: true, output: { writer: "b" } },
        { id: "verify", status: "SUCCESSFUL" },
        { id: "publish", status: "FAILED", error: failure("EIO") },
      ]);
      expect(words).toContain("b was promoted, and that stands");
      expect(words).toContain("Do not start a as a primary");
      expect(words).toContain("nobody is on the route");
      expect(words).not.toMatch(/roll (it )?back/);
    },
  );

  test("a route that somebody else has moved is not called empty, and no retry is promised", () => {
    const words = explain("PARTIALLY_ROLLED_BACK", [
      down,
      fenced,
      ranked,
      { id: "promote", status: "SUCCESSFUL", prohibitRollback: true, output: { writer: "b" } },
      { id: "publish", status: "FAILED", error: failure("ROUTE_TAKEN") },
    ]);
    expect(words).toContain("Somebody else has moved the route");
    expect(words).not.toContain("nobody is on the route");
    expect(words).not.toContain("then retry the run");
  });

  test.each(["NOT_A_STANDBY", "ROUTE_DISAGREES"])(
    "%s: nobody is told to start the old primary beside another",
    (code) => {
      const words = explain("ROLLED_BACK", [down, { id: "checkStandbys", status: "FAILED", error: failure(code) }]);
      expect(words).toContain("do not start a as a primary");
      expect(words).not.toMatch(/[Oo]r start a where it is/);
    },
  );

  test("a run that rests keeps its lock: nobody is told to start the plan beside it", () => {
    const words = explain("FAILED", [down, { id: "checkStandbys", status: "FAILED", error: failure("NO_QUORUM") }]);
    expect(words).toContain("retry the run, or give it up");
    expect(words).not.toContain("above and start the plan again");
  });

  test("a standby that took no part is named: not nothing is left to do", () => {
    const checked = {
      id: "checkStandbys",
      status: "SUCCESSFUL",
      output: { unusable: [{ name: "c", reason: "dead" }] },
    } as const;
    const words = explain("SUCCESSFUL", [down, checked, ranked, { id: "rejoinOld", status: "SUCCESSFUL" }]);
    expect(words).toContain("c took no part and does not follow b");
    expect(words).not.toContain("Nothing is left to do");
  });

  test("an undoing that was passed over is not called done", () => {
    const words = explain("ROLLED_BACK", [
      down,
      { ...fenced, status: "COMPENSATED" },
      { id: "freeze[1]", group: "freeze", item: { name: "c" }, status: "COMPENSATION_FAILED" },
    ]);
    expect(words).toContain('all but "freeze[1]" (c) was undone');
  });

  test("a primary whose restart was passed over is not said to take writes again", () => {
    const words = explain(
      "ROLLED_BACK",
      [
        { id: "precheck", status: "SUCCESSFUL", output: { primary: "a" } },
        { id: "dropRoute", status: "COMPENSATED" },
        { id: "stopOld", status: "COMPENSATION_FAILED" },
      ],
      "postgres-switchover",
    );
    expect(words).toContain("whether a takes writes and is on the route is not known");
    expect(words).not.toContain("the primary again");
  });

  test("a server that did not start is not said to have held nothing", () => {
    const output = { node: "a", writer: "b", mode: "reclone", endLsn: null, divergedBytes: 0, salvageable: null };
    const words = explain("SUCCESSFUL", [{ id: "rejoin", status: "SUCCESSFUL", output }], "rejoin-standby");
    expect(words).toContain("is not known");
    expect(words).not.toContain("0 bytes");
  });

  test("a switchover that met a dead or read-only primary does not claim that it takes writes", () => {
    const parts = [{ id: "precheck", status: "FAILED", error: failure("READ_ONLY_ALREADY") }] as const;
    expect(explain("ROLLED_BACK", parts, "postgres-switchover")).not.toContain("takes writes as before");
  });

  test("an unfinished rejoin says that the cluster was not touched", () => {
    const words = explain("FAILED", [{ id: "rejoin", status: "FAILED", error: failure("DIVERGED") }], "rejoin-standby");
    expect(words).toContain("because of DIVERGED");
    expect(words).toContain("The node is not back");
  });

  test("a promotion of unknown outcome is called unknown", () => {
    const words = explain("PARTIALLY_ROLLED_BACK", [
      down,
      fenced,
      ranked,
      { id: "promote", status: "FAILED", prohibitRollback: true, error: failure("TIMEOUT") },
    ]);
    expect(words).toContain("Whether b was promoted is not known");
    expect(words).toContain("retry the run");
  });

  test("a run that rests before the promotion says that nobody takes writes", () => {
    expect(
      explain("FAILED", [down, fenced, { id: "freeze", status: "FAILED", error: failure("WAIT_TIMEOUT") }]),
    ).toContain("nobody takes writes until you act");
    expect(explain("ABANDONED", [down, fenced])).toContain("remove standby.signal");
  });
});
