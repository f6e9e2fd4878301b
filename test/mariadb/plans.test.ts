/**
 * The plan files of MariaDB and MySQL: they parse, name only registered actions, and put the point of no return where it belongs.
 */
import type { ActionRegistry } from "@belay/engine";
import { loadPlan, planNames } from "@belay/failover-plans";
import { mariadbActions, mysqlActions } from "@belay/failover-plans/mariadb";
import { describe, expect, test } from "vitest";
import { DEFAULT_BEHIND } from "../../packages/failover-plans/src/mariadb/check-switchover.ts";
import { DEFAULT_DRAIN_SECONDS } from "../../packages/failover-plans/src/mariadb/drain.ts";
import { DEFAULT_LAG_CEILING } from "../../packages/failover-plans/src/mariadb/ranking.ts";

const unused = (): never => {
  throw new Error("no test of this file reaches a cluster");
};
const options = {
  nodes: [],
  control: {
    kill: unused,
    start: unused,
    isRunning: unused,
    setStartRole: unused,
    startRole: unused,
    reclone: unused,
    replicationUser: unused,
  },
  route: { current: unused, publish: unused },
};
const actions: ActionRegistry = { ...mariadbActions(options), ...mysqlActions(options) };
const PLANS = ["mariadb-failover", "mariadb-switchover", "mariadb-rejoin", "mysql-failover"];

test("the plans of both systems are among the shipped ones", () => {
  expect(planNames()).toEqual(expect.arrayContaining(PLANS));
});

describe.each(PLANS)("%s", (name) => {
  const { document } = loadPlan(name);
  const [system = ""] = name.split("-");

  test("R3: every action and every compensation is registered, under the name of its system", () => {
    for (const { id, action, compensation } of document.nodes) {
      for (const one of [action, ...(compensation ? [compensation.action] : [])]) {
        expect(actions, id).toHaveProperty([one]);
        expect(one, id).toMatch(new RegExp(`^${system}\\.`));
      }
    }
  });

  test("R42: after a crash every action and every compensation can be asked or be run again", () => {
    for (const { action, compensation } of document.nodes) {
      for (const one of [action, ...(compensation ? [compensation.action] : [])]) {
        const definition = actions[one];
        if (typeof definition !== "object") throw new Error(`${one} is not a definition`);
        expect(definition.verify !== undefined || definition.idempotent === true, one).toBe(true);
      }
    }
  });

  test("R40: it locks the cluster that it is run for", () => {
    expect(document.locks).toEqual([{ $cel: `"${system}/" + params.cluster` }]);
  });

  test("every node says to a tired operator what it does, and ends in bounded time", () => {
    for (const { id, description, timeout, compensation } of document.nodes) {
      expect(description?.length, id).toBeGreaterThan(30);
      expect(timeout, id).toBeGreaterThan(0);
      if (compensation) expect(compensation.timeout ?? document.defaults?.compensation?.timeout, id).toBeGreaterThan(0);
    }
  });

  test("every parameter is described", () => {
    const { properties } = document.params as { properties: Record<string, { description?: string }> };
    for (const [parameter, { description }] of Object.entries(properties))
      expect(description?.length, parameter).toBeGreaterThan(15);
  });
});

describe("R33: the point of no return", () => {
  const barriers = (name: string): readonly string[] =>
    loadPlan(name)
      .document.nodes.filter(({ prohibitRollback }) => prohibitRollback)
      .map(({ id }) => id);

  test("a failover has two: the promotion, and the rejoin that may wipe; a switchover has one", () => {
    expect(barriers("mariadb-failover")).toEqual(["promote", "rejoinOld"]);
    expect(barriers("mysql-failover")).toEqual(["promote", "rejoinOld"]);
    expect(barriers("mariadb-switchover")).toEqual(["promote"]);
    const rejoin = loadPlan("mariadb-switchover").document.nodes.find(({ id }) => id === "rejoinOld");
    expect(rejoin?.with).toMatchObject({ reclone: "never" });
  });

  test.each(["mariadb-failover", "mariadb-switchover", "mysql-failover"])(
    "%s: before it every effect can be undone, after it nothing claims to be",
    (name) => {
      const { nodes } = loadPlan(name).document;
      const promote = nodes.findIndex(({ id }) => id === "promote");
      for (const node of nodes.filter(({ effect }) => effect !== "none")) {
        expect(node.compensation !== undefined, node.id).toBe(nodes.indexOf(node) < promote);
      }
    },
  );
});

test("what the plans promise by default is what the actions do", () => {
  for (const name of ["mariadb-failover", "mysql-failover"]) {
    expect(loadPlan(name).document.params).toMatchObject({
      properties: { lagCeiling: { default: DEFAULT_LAG_CEILING }, drainSeconds: { default: DEFAULT_DRAIN_SECONDS } },
    });
  }
  expect(loadPlan("mariadb-switchover").document.params).toMatchObject({
    properties: { behind: { default: DEFAULT_BEHIND } },
  });
});

test("the MySQL failover is the MariaDB failover in other words", () => {
  const ids = (name: string): readonly string[] => loadPlan(name).document.nodes.map(({ id }) => id);
  expect(ids("mysql-failover")).toEqual(ids("mariadb-failover"));
  expect(Object.keys(mysqlActions(options)).map((name) => name.replace("mysql.", "mariadb."))).toEqual(
    Object.keys(mariadbActions(options)),
  );
});
