/**
 * What every adapter of `TenantControl` must do, as cases over a factory. Owns: states, refusals by number, that no password is shown.
 * Every adapter is given tenants of the model behind it, which the cases also look at.
 */
import {
  createTenantModel,
  type TenantControl,
  type TenantModel,
  type TenantModelOptions,
} from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";
import { codeOf } from "./cluster-cases.ts";

/** An adapter, and the tenants behind it. */
export interface TenantRig {
  readonly control: TenantControl;
  readonly model: TenantModel;
  /** Stops or starts every server of a tenant. */
  setAlive(name: string, alive: boolean): Promise<void>;
  close(): Promise<void>;
}

export type TenantFactory = (model: TenantModel) => Promise<TenantRig>;

/** Passwords by reference; one that cannot be found by accident, with what SQL escapes. */
export const PASSWORDS = { rep: "k0st'bar\\42" } as const;

const SECOND = 1_000_000_000n;
const SOURCE = { from: "south", user: "rep", passwordRef: "rep" } as const;

/** One thing that every adapter must do. */
interface TenantCase {
  readonly title: string;
  readonly options?: TenantModelOptions;
  readonly run: (rig: TenantRig) => Promise<void>;
}

/** What each number means of a switchover to primary. */
const NUMBERS = [
  [9089, "OLD_PRIMARY_LOG_STREAM"],
  [9088, "OLD_PRIMARY_NOT_STANDBY"],
  [4043, "OLD_PRIMARY_LOGIN"],
  [5260, "OLD_PRIMARY_LOCKED"],
  [4179, "LOGS_BEHIND"],
] as const;

const CASES: readonly TenantCase[] = [
  ...NUMBERS.map(([errno, code]) => ({
    title: `the refusal ${errno} of a switchover to primary is ${code}, and goes away`,
    run: async ({ control, model }: TenantRig) => {
      await control.change("north", "SWITCHOVER TO STANDBY");
      model.obstruct("north", errno);
      expect(await codeOf(control.change("south", "SWITCHOVER TO PRIMARY"))).toBe(code);
      model.obstruct("north", undefined);
      expect(await codeOf(control.change("south", "SWITCHOVER TO PRIMARY"))).toBe("accepted");
    },
  })),
  {
    title: "a tenant says what it is, how far its log goes, and whom it follows",
    run: async ({ control, model }) => {
      model.setScn("north", 1_735_689_600_123_456_789n);
      const normal = { switchoverStatus: "NORMAL", syncScn: 1_735_689_600_123_456_789n };
      expect(await control.readTenant("north")).toEqual({ name: "north", role: "PRIMARY", ...normal });
      expect(await control.readTenant("south")).toEqual({ name: "south", role: "STANDBY", ...normal });
      expect(await control.readRestoreSource("north")).toBeNull();
      expect(await control.readRestoreSource("south")).toMatchObject({ from: "north" });
      expect(await control.readLogStreams("south")).toEqual([
        { lsId: 1, status: "NORMAL", offlineReplicas: 0 },
        { lsId: 1001, status: "NORMAL", offlineReplicas: 0 },
      ]);
      expect(await codeOf(control.readTenant("nobody"))).toBe("TENANT_UNKNOWN");
    },
  },

  {
    title: "dead servers are seen, and a tenant without any does not answer",
    run: async ({ control, setAlive }) => {
      expect((await control.readServers("north")).map(({ alive }) => alive)).toEqual([true, true, true]);
      await setAlive("north", false);
      expect((await control.readServers("north")).map(({ alive }) => alive)).toEqual([false, false, false]);
      expect(await codeOf(control.readTenant("north"))).toBe("TENANT_UNREACHABLE");
      expect(await codeOf(control.change("north", "SWITCHOVER TO STANDBY"))).toBe("TENANT_UNREACHABLE");
    },
  },

  {
    title: "a switchover goes over its intermediate states, and never do two take writes",
    run: async ({ control, model }) => {
      const states: string[] = [];
      const look = async (name: string): Promise<void> => {
        const { role, switchoverStatus } = await control.readTenant(name);
        states.push(`${name} ${role} ${switchoverStatus}`);
      };
      await control.change("north", "SWITCHOVER TO STANDBY");
      await look("north");
      expect(await codeOf(control.change("south", "SWITCHOVER TO PRIMARY"))).toBe("OLD_PRIMARY_NOT_STANDBY");
      await control.change("north", "SWITCHOVER TO STANDBY");
      await look("north");
      await control.change("south", "SWITCHOVER TO PRIMARY");
      await look("south");
      await look("south");
      expect(states).toEqual([
        "north PRIMARY SWITCHING TO STANDBY",
        "north STANDBY NORMAL",
        "south STANDBY SWITCHING TO PRIMARY",
        "south PRIMARY NORMAL",
      ]);
      expect(model.writers).toEqual([["north"], [], ["south"]]);
    },
    options: { switchingLooks: 1 },
  },

  {
    title: "a wrong order and a wrong role are refused; a rehearsal says so and changes nothing",
    run: async ({ control, model }) => {
      for (const act of [control.rehearse, control.change]) {
        expect(await codeOf(act("south", "SWITCHOVER TO PRIMARY"))).toBe("OLD_PRIMARY_NOT_STANDBY");
        expect(await codeOf(act("south", "SWITCHOVER TO STANDBY"))).toBe("NOT_PRIMARY");
        expect(await codeOf(act("north", "SWITCHOVER TO PRIMARY"))).toBe("NOT_STANDBY");
        expect(await codeOf(act("north", "ACTIVATE STANDBY"))).toBe("NOT_STANDBY");
      }
      expect(await codeOf(control.rehearse("north", "SWITCHOVER TO STANDBY"))).toBe("accepted");
      expect(await codeOf(control.rehearse("south", "ACTIVATE STANDBY"))).toBe("accepted");
      expect(model.statements).toEqual([]);
    },
  },

  {
    title: "twenty seconds of missing log refuse a switchover, offline replicas refuse every change",
    run: async ({ control, model }) => {
      const { syncScn } = await control.readTenant("north");
      model.stall("south", true);
      model.setScn("north", syncScn + 20n * SECOND);
      await control.change("north", "SWITCHOVER TO STANDBY");
      expect(await codeOf(control.change("south", "SWITCHOVER TO PRIMARY"))).toBe("LOGS_BEHIND");
      model.stall("south", false);
      model.setOffline("south", 2);
      expect(await control.readLogStreams("south")).toMatchObject([
        { lsId: 1, offlineReplicas: 2 },
        { offlineReplicas: 0 },
      ]);
      expect(await codeOf(control.change("south", "SWITCHOVER TO PRIMARY"))).toBe("REPLICA_OFFLINE");
    },
  },

  {
    title: "an activation does not look at the primary: two take writes",
    run: async ({ control, model }) => {
      await control.change("south", "ACTIVATE STANDBY");
      expect(await control.readTenant("south")).toMatchObject({ role: "PRIMARY", switchoverStatus: "NORMAL" });
      expect(model.writers.at(-1)).toEqual(["north", "south"]);
    },
  },

  {
    title: "a source is set and taken away; its password is in no statement, view or error",
    run: async ({ control, model }) => {
      await control.change("north", "SWITCHOVER TO STANDBY");
      await control.setRestoreSource("north", SOURCE);
      const source = await control.readRestoreSource("north");
      expect(source).toMatchObject({
        from: "south",
        value: expect.stringContaining("USER=rep@shop,PASSWORD=******"),
      });
      const refused = control.setRestoreSource("north", { ...SOURCE, passwordRef: "other" });
      expect(await codeOf(refused)).toBe("OLD_PRIMARY_LOGIN");
      const error: unknown = await refused.catch((reason: unknown) => reason);
      const shown = JSON.stringify([model.statements, source, String(error), (error as Error).stack]);
      expect(shown).not.toMatch(/k0st|wr0ng/);
      await control.setRestoreSource("north", null);
      expect(await control.readRestoreSource("north")).toBeNull();
      expect(model.statements.at(-1)).toBe("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = shop");
    },
  },
];

/** All cases, for one adapter. */
export function tenantCases(adapter: string, factory: TenantFactory): void {
  const specs = [{ name: "north" }, { name: "south", follows: "north" }, { name: "west", follows: "north" }];
  describe(`tenants through ${adapter}`, () => {
    test.for(CASES)("$title", async ({ options = {}, run }) => {
      const rig = await factory(createTenantModel(specs, { passwords: PASSWORDS, ...options }));
      try {
        await run(rig);
      } finally {
        await rig.close();
      }
    });
  });
}
