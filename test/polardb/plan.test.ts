/** The PolarDB plan file: it parses, names only registered actions, and puts the point of no return where it belongs. */
import { loadPlan } from "@belay/failover-plans";
import { expect, test } from "vitest";
import { actionsOf, worldOf } from "./model-run.ts";

const { document } = loadPlan("polardb-failover");
const actions = actionsOf(worldOf());

test("R3: the actions and compensations that it names are those that are registered", () => {
  const named = document.nodes.flatMap(({ action, compensation }) => [action, compensation?.action ?? action]);
  expect([...new Set(named)].sort()).toEqual(Object.keys(actions).sort());
});

test("R42: after a crash every action can be asked or be run again", () => {
  for (const [name, definition] of Object.entries(actions)) {
    if (typeof definition !== "object") throw new Error(`${name} is not a definition`);
    expect(definition.verify !== undefined || definition.idempotent === true, name).toBe(true);
  }
});

test("R40: it locks the cluster that it is run for", () => {
  expect(document.locks).toEqual([{ $cel: '"polardb/" + params.cluster' }]);
});

test("R33: the first node after the candidates is the point of no return; the return of the old writer may wipe and is one too", () => {
  expect(document.nodes.filter(({ prohibitRollback }) => prohibitRollback).map(({ id }) => id)).toEqual([
    "ready",
    "oldWriter",
  ]);
  expect(document.nodes.find(({ id }) => id === "ready")?.upstreams).toEqual(["switch"]);
});

test("R30: before it every effect can be undone, after it nothing claims to be", () => {
  const ready = document.nodes.findIndex(({ id }) => id === "ready");
  for (const node of document.nodes.filter(({ effect }) => effect !== "none")) {
    expect(node.compensation !== undefined, node.id).toBe(document.nodes.indexOf(node) < ready);
  }
});

test("R21: candidates are tried in order, 30 seconds each, and readiness is waited for three minutes at most", () => {
  const one = document.nodes.find(({ id }) => id === "switch");
  expect(one).toMatchObject({ timeout: 30, split: { over: "nodes.elect.output.candidates", method: "FIRST_SUCCESS" } });
  expect(document.nodes.find(({ id }) => id === "ready")?.timeout).toBe(180);
});

test("every node says to a tired operator what it does, and ends in bounded time", () => {
  for (const { id, description, timeout, compensation } of document.nodes) {
    expect(description?.length, id).toBeGreaterThan(20);
    expect(timeout, id).toBeGreaterThan(0);
    if (compensation) expect(compensation.timeout ?? document.defaults?.compensation?.timeout, id).toBeGreaterThan(0);
  }
});
