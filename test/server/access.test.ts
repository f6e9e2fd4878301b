/** Who may what, how guessing is slowed down, what is written down. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { equalSecrets } from "../../packages/server/src/access/keyring.ts";
import { may, type Principal, ROLES } from "../../packages/server/src/access/principal.ts";
import { type AuditEvent, AuditLog } from "../../packages/server/src/host/audit-log.ts";
import { Guesses } from "../../packages/server/src/web/guesses.ts";

describe("roles", () => {
  const who = (role: Principal["role"], plans?: readonly string[]): Principal => ({
    name: "x",
    role,
    ...(plans === undefined ? {} : { plans }),
  });

  test("each role may what the one before it may, and more", () => {
    const table = ROLES.map((role) => [may(who(role), "read"), may(who(role), "steer"), may(who(role), "administer")]);
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  test("an operator's plans are a list of names and beginnings; an admin's are all", () => {
    const operator = who("operator", ["postgres-*", "fence-drill"]);
    const allowed = ["postgres-failover", "fence-drill", "fence-drill2", "polardb-failover", "postgres", ""];
    expect(allowed.map((plan) => may(operator, "steer", plan))).toEqual([true, true, false, false, false, false]);
    expect(may(who("operator", []), "steer", "a")).toBe(false);
    expect(may(who("operator", ["*"]), "steer", "a")).toBe(true);
    expect(may(who("admin", []), "steer", "a")).toBe(true);
    expect(may(who("viewer", ["*"]), "steer", "a")).toBe(false);
  });

  test("secrets of any length are compared without an error", () => {
    expect(equalSecrets("a", "a")).toBe(true);
    for (const other of ["", "b", "aa", "ä".repeat(1000)]) expect(equalSecrets("a", other)).toBe(false);
  });
});

describe("guesses", () => {
  test("twenty wrong credentials within a minute, then the address waits; another one does not", () => {
    let now = 0;
    const guesses = new Guesses(() => now);
    for (let count = 0; count < 20; count++) {
      expect(guesses.wait("a")).toBe(0);
      guesses.failed("a");
    }
    expect(guesses.wait("a")).toBe(60_000);
    expect(guesses.wait("b")).toBe(0);
    now = 59_999;
    expect(guesses.wait("a")).toBe(1);
    now = 60_000;
    expect(guesses.wait("a")).toBe(0);
  });

  test("of IPv6 a network of 64 bits is one address, however it is written; IPv4 in it is itself", () => {
    const guesses = new Guesses(() => 0);
    const guess = (address: string): void => {
      for (let count = 0; count < 20; count++) guesses.failed(address);
    };
    for (let count = 0; count < 20; count++) guesses.failed(`2001:db8:0:7::${count.toString(16)}`);
    for (const same of ["2001:db8:0:7:1:2:3:4", "2001:0DB8:0:7::", "2001:db8::7:0:0:0:9"]) {
      expect(guesses.wait(same), same).toBeGreaterThan(0);
    }
    guess("::ffff:10.0.0.1");
    expect(guesses.wait("10.0.0.1")).toBeGreaterThan(0);
    for (const other of ["2001:db8:0:8::1", "::ffff:10.0.0.2", "::1", "64:ff9b::10.0.0.1"]) {
      expect(guesses.wait(other), other).toBe(0);
    }
  });

  test("ten thousand addresses are remembered, the oldest is forgotten", () => {
    const guesses = new Guesses(() => 0);
    const guess = (address: string): void => {
      for (let count = 0; count < 20; count++) guesses.failed(address);
    };
    guess("first");
    for (let index = 0; index < 9_999; index++) guesses.failed(`a${index}`);
    expect(guesses.wait("first")).toBeGreaterThan(0);
    guesses.failed("one more");
    expect(guesses.wait("first")).toBe(0);
  });
});

describe("the audit log", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "belay-audit-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const entry = (action: string): AuditEvent => ({
    at: "2025-01-01T00:00:00.000Z",
    who: "ann",
    surface: "native",
    action,
    runId: null,
    plan: null,
    node: null,
    why: "a\nb",
    outcome: "ok",
    remote: null,
    requestId: null,
  });

  test("entries are lines of a file; another process goes on with it, past a line that was torn", async () => {
    const file = join(directory, "audit.jsonl");
    const first = await AuditLog.open(file);
    first.add(entry("start"));
    await first.close();
    appendFileSync(file, '{"at":"20');
    const second = await AuditLog.open(file);
    second.add(entry("retry"));
    await second.close();
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    const third = await AuditLog.open(file);
    expect(third.youngest(10).map(({ action }) => action)).toEqual(["retry", "start"]);
    expect(third.youngest(1, ({ action }) => action === "start")).toHaveLength(1);
    await third.close();
  });

  test("an entry is in the file before it is answered for", async () => {
    const file = join(directory, "at-once.jsonl");
    const log = await AuditLog.open(file);
    log.add(entry("start"));
    expect(readFileSync(file, "utf8")).toBe(`${JSON.stringify(entry("start"))}\n`);
    await log.close();
  });

  test("a file that takes no more is told once, and is gone on with when it does again, on a line of its own", async () => {
    const file = join(directory, "full.jsonl");
    const told: string[] = [];
    let room = 1000;
    const log = await AuditLog.open(file, {
      onFailure: ({ message }) => told.push(message),
      write: (descriptor, bytes) => {
        if (room === 0) throw new Error("ENOSPC: no space left on device");
        const taken = Math.min(room, bytes.length);
        room -= taken;
        return writeSync(descriptor, bytes.subarray(0, taken));
      },
    });
    log.add(entry("start"));
    room = 10;
    for (const action of ["pause", "resume"]) log.add(entry(action));
    expect(told).toEqual([expect.stringContaining("only 10 of")]);
    expect(log.failure?.message).toContain("ENOSPC");
    room = 1000;
    log.add(entry("cancel"));
    expect(log.failure).toBeUndefined();
    expect(log.youngest(10).map(({ action }) => action)).toEqual(["cancel", "resume", "pause", "start"]);
    await log.close();
    const again = await AuditLog.open(file);
    expect(again.youngest(10).map(({ action }) => action)).toEqual(["cancel", "start"]);
    await again.close();
  });

  test("a file that cannot be opened keeps the server from starting, and is named", async () => {
    const file = join(directory, "none", "audit.jsonl");
    await expect(AuditLog.open(file)).rejects.toMatchObject({
      code: "ENVIRONMENT",
      message: expect.stringContaining(file),
    });
  });
});
