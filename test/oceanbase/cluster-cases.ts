/**
 * What every adapter of `ClusterSql` and `ServerWatch` must do, as cases over a factory. Owns: states, refusals, statements. Every
 * adapter is given clusters of the model behind it, which the cases also look at.
 */
import {
  type ClusterSpec,
  type ClusterSql,
  createOceanBaseModel,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  type ServerWatch,
} from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";

/** An adapter, and the clusters behind it. */
export interface ClusterRig {
  readonly control: ClusterSql & ServerWatch;
  readonly model: OceanBaseModel;
  /** Stops or starts one server, by its address in the model. */
  setServer(address: string, alive: boolean): Promise<void>;
  close(): Promise<void>;
}

export type ClusterFactory = (model: OceanBaseModel) => Promise<ClusterRig>;

const NORTH = { clusterId: 1, name: "north", role: "PRIMARY" } as const;
const SOUTH = { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" } as const;
const WEST = { clusterId: 3, name: "west", role: "PHYSICAL STANDBY" } as const;
const ZONES = [1, 2, 3];

/** The code of a refusal, or "accepted". */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => "accepted",
    (error: unknown) => String((error as { code?: unknown }).code),
  );
}

/** Every server of north is dead. */
async function outage({ setServer }: ClusterRig): Promise<void> {
  for (const zone of ZONES) await setServer(`north-z${zone}:2881`, false);
}

/** One thing that every adapter must do. */
interface ClusterCase {
  readonly title: string;
  readonly specs?: readonly ClusterSpec[];
  readonly options?: OceanBaseModelOptions;
  readonly run: (rig: ClusterRig) => Promise<void>;
}

const CASES: readonly ClusterCase[] = [
  {
    title: "a cluster says what it is, and knows the others",
    run: async ({ control }) => {
      expect(await control.readCluster(1)).toEqual({
        clusterId: 1,
        name: "north",
        role: "PRIMARY",
        status: "VALID",
        switchoverStatus: "TO STANDBY",
        switchoverInfo: "SYNCED STANDBY CLUSTERS: south,west",
        protectionMode: "MAXIMUM PERFORMANCE",
        protectionLevel: "MAXIMUM PERFORMANCE",
        currentScn: 1000,
      });
      expect(await control.readCluster(2)).toMatchObject({
        role: "PHYSICAL STANDBY",
        switchoverStatus: "NOT ALLOWED",
      });
      const south = { clusterId: 2, name: "south", role: "PHYSICAL STANDBY", status: "VALID" };
      expect(await control.readStandbys(1)).toEqual([south, { ...south, clusterId: 3, name: "west" }]);
      expect((await control.readAllClusters(1)).map(({ name }) => name)).toEqual(["north", "south", "west"]);
      expect(await codeOf(control.readCluster(9))).toBe("CLUSTER_UNKNOWN");
    },
  },

  {
    title: "dead servers are seen, and a cluster without any does not answer",
    run: async (rig) => {
      await rig.setServer("north-z2:2881", false);
      expect((await rig.control.readServers(1)).map(({ address, alive }) => [address, alive])).toEqual([
        ["north-z1:2881", true],
        ["north-z2:2881", false],
        ["north-z3:2881", true],
      ]);
      expect(await codeOf(rig.control.readCluster(1))).toBe("accepted");
      await outage(rig);
      for (const call of [rig.control.readCluster(1), rig.control.failover(1, "lossy", false)]) {
        expect(await codeOf(call)).toBe("CLUSTER_UNREACHABLE");
      }
    },
  },

  {
    title: "a failover is issued again until the flashback is finished",
    run: async (rig) => {
      await outage(rig);
      expect(await codeOf(rig.control.failover(2, "lossy", false))).toBe("FLASHBACK_UNFINISHED");
      expect(await rig.control.readCluster(2)).toMatchObject({ switchoverStatus: "FAILOVER FLASHBACK" });
      await rig.control.failover(2, "lossy", false);
      expect(await rig.control.readCluster(2)).toMatchObject({ role: "PRIMARY" });
      expect(await codeOf(rig.control.failover(2, "lossy", false))).toBe("NOT_STANDBY");
      expect((await rig.control.readStandbys(2)).map(({ status }) => status)).toEqual(["DISABLED", "DISABLED"]);
      await rig.control.removeCluster(2, 1);
      expect(await codeOf(rig.control.removeCluster(2, 1))).toBe("CLUSTER_UNKNOWN");
      expect(rig.model.statements).toEqual([
        "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER",
        "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER",
        "ALTER SYSTEM REMOVE CLUSTER north CLUSTER_ID = 1",
      ]);
    },
    options: { flashbackRounds: 1 },
  },

  {
    title: "a failover is refused with its reason, and then has no effect",
    run: async (rig) => {
      const { control, model } = rig;
      expect(await codeOf(control.failover(2, "lossy", true))).toBe("NOT_ALLOWED");
      await outage(rig);
      expect(await codeOf(control.failover(2, "lossless", false))).toBe("NOT_LOSSLESS");
      model.block(2, "CHECK MERGE STATUS");
      await expect(control.failover(2, "lossy", false)).rejects.toThrow("NOT ALLOWED, reason: CHECK MERGE STATUS");
      model.block(2, undefined);
      expect(model.statements).toEqual([]);
      await control.failover(2, "lossless", true);
      expect(model.statements).toEqual(["ALTER SYSTEM FAILOVER TO 'south' CLUSTER_ID = 2 FORCE"]);
    },
  },

  {
    title: "a failover beside a disabled standby needs FORCE",
    run: async (rig) => {
      await outage(rig);
      await rig.control.failover(2, "lossy", false);
      expect(await codeOf(rig.control.failover(3, "lossy", false))).toBe("OTHER_STANDBY_DISABLED");
    },
    specs: [NORTH, SOUTH, WEST, { ...WEST, clusterId: 4, name: "east" }],
  },

  {
    title: "a switchover: primary to standby, standby to primary, the others follow; never two take writes",
    run: async ({ control, model }) => {
      await control.switchoverToStandby(1);
      expect(await control.readCluster(1)).toMatchObject({
        role: "PRIMARY",
        switchoverStatus: "SWITCHOVER SWITCHING",
      });
      expect(await codeOf(control.switchoverToPrimary(1))).toBe("NOT_ALLOWED");
      // Adapters that explain a refusal look once more.
      while ((await control.readCluster(1)).role === "PRIMARY");
      expect(await control.readCluster(1)).toMatchObject({
        role: "PHYSICAL STANDBY",
        switchoverStatus: "TO PRIMARY",
      });
      expect(await control.readCluster(2)).toMatchObject({ switchoverStatus: "TO PRIMARY" });
      await control.switchoverToPrimary(2);
      expect(await control.readCluster(2)).toMatchObject({
        role: "PRIMARY",
        switchoverInfo: "SYNCED STANDBY CLUSTERS: north,west",
      });
      expect(await control.readCluster(1)).toMatchObject({
        role: "PHYSICAL STANDBY",
        switchoverStatus: "NOT ALLOWED",
      });
      expect(await codeOf(control.switchoverToPrimary(1))).toBe("NOT_ALLOWED");
      expect(model.writers).toEqual([["north"], [], ["south"]]);
    },
    options: { switchingLooks: 2 },
  },

  {
    title: "a switchover that is half done can go back",
    run: async ({ control, model }) => {
      await control.switchoverToStandby(1);
      await control.switchoverToPrimary(1);
      expect(await control.readCluster(1)).toMatchObject({ role: "PRIMARY", switchoverStatus: "TO STANDBY" });
      expect((await control.readStandbys(1)).map(({ name }) => name)).toEqual(["south", "west"]);
      expect(model.writers).toEqual([["north"], [], ["north"]]);
    },
  },

  {
    title: "a switchover in the wrong order, or of the wrong cluster, is refused and has no effect",
    run: async (rig) => {
      const { control, model } = rig;
      expect(await codeOf(control.switchoverToPrimary(2))).toBe("NOT_ALLOWED");
      expect(await codeOf(control.switchoverToPrimary(1))).toBe("NOT_STANDBY");
      expect(await codeOf(control.switchoverToStandby(2))).toBe("NOT_PRIMARY");
      expect(await codeOf(control.removeCluster(2, 1))).toBe("NOT_PRIMARY");
      model.block(1, "PRIMARY CLUSTER DOING BACKUP");
      expect(await codeOf(control.switchoverToStandby(1))).toBe("NOT_ALLOWED");
      await outage(rig);
      expect(await codeOf(control.switchoverToPrimary(2))).toBe("NOT_ALLOWED");
      expect(model.statements).toEqual([]);
    },
  },
];

/** All cases, for one adapter. */
export function clusterCases(adapter: string, factory: ClusterFactory): void {
  describe(`clusters through ${adapter}`, () => {
    test.for(CASES)("$title", async ({ specs = [NORTH, SOUTH, WEST], options = {}, run }) => {
      const rig = await factory(createOceanBaseModel(specs, options));
      try {
        await run(rig);
      } finally {
        await rig.close();
      }
    });
  });
}
