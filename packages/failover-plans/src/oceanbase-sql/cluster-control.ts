/**
 * `ClusterSql` and `ServerWatch` on real clusters of 2.2.76 <= version < 4.0: the statements that the port names, given in the sys
 * tenant. Owns: the texts, and what a refusal means. The manuals name no error numbers for these statements, so that a refusal is
 * explained by asking the cluster what it is, never by the number or the wording.
 */
import { quoteLiteral } from "../mysql-client/client.ts";
import {
  type ClusterRole,
  type ClusterSql,
  type ClusterStatus,
  type ClusterView,
  type FailoverMode,
  type KnownCluster,
  type ProtectionLevel,
  type ProtectionMode,
  promisesLossless,
  type ServerWatch,
  type SwitchoverStatus,
} from "../oceanbase/control.ts";
import { OceanBaseError } from "../oceanbase/refusal.ts";
import { watchServers } from "./server-watch.ts";
import { ask, give, plainName, ServerSaidNo, type SqlAccess, type SqlAddress } from "./sys-session.ts";

/** A cluster and where it is asked. */
export interface ClusterSite {
  readonly clusterId: number;
  /** All its servers: the primary counts as dead only when every one of them is. */
  readonly servers: readonly SqlAddress[];
}

const READ_CLUSTER =
  "SELECT CLUSTER_ID, CLUSTER_NAME, CLUSTER_ROLE, CLUSTER_STATUS, SWITCHOVER_STATUS, SWITCHOVER_INFO, PROTECTION_MODE, " +
  "PROTECTION_LEVEL, CURRENT_SCN FROM oceanbase.V$OB_CLUSTER";
const KNOWN = "SELECT CLUSTER_ID, CLUSTER_NAME, CLUSTER_ROLE, CLUSTER_STATUS FROM oceanbase";
const READ_ALL = `${KNOWN}.V$OB_ALL_CLUSTERS`;
const READ_STANDBYS = `${KNOWN}.V$OB_STANDBY_STATUS`;
const TO_STANDBY = "ALTER SYSTEM COMMIT TO SWITCHOVER TO PHYSICAL STANDBY";
const TO_PRIMARY = "ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY";

/** OB_OP_NOT_ALLOW. */
const OP_NOT_ALLOW = 4179;

/** What a refusal means, by what the cluster says of itself afterwards; undefined when that explains nothing. */
type Explain = (now: ClusterView, said: ServerSaidNo) => Error | undefined;

type ClusterRow = Readonly<Record<string, string | number | null>>;

/** Statements and a watch over the servers of these clusters. */
export function clusterSql(sites: readonly ClusterSite[], access: SqlAccess = {}): ClusterSql & ServerWatch {
  const serversOf = (clusterId: number): readonly SqlAddress[] => {
    const site = sites.find((known) => known.clusterId === clusterId);
    if (site !== undefined) return site.servers;
    throw new OceanBaseError("CLUSTER_UNKNOWN", `Cluster ${clusterId} is not known: its servers are not configured.`);
  };
  const unreachable = (clusterId: number) => (): Error =>
    new OceanBaseError("CLUSTER_UNREACHABLE", `No server of cluster ${clusterId} answers.`);
  const rows = async (clusterId: number, question: string): Promise<readonly ClusterRow[]> =>
    await ask<ClusterRow>(serversOf(clusterId), access, question, unreachable(clusterId));
  const readCluster = async (clusterId: number): Promise<ClusterView> =>
    clusterView(clusterId, await rows(clusterId, READ_CLUSTER));
  const known = async (clusterId: number, question: string): Promise<readonly KnownCluster[]> =>
    (await rows(clusterId, question)).map(knownCluster);

  /** Gives a statement; what it is refused with is explained by what the cluster then says of itself. */
  const change = async (clusterId: number, statement: string, explain: Explain): Promise<void> => {
    try {
      await give(serversOf(clusterId), access, { statement }, unreachable(clusterId));
    } catch (error) {
      if (!(error instanceof ServerSaidNo)) throw error;
      const explained = explain(await readCluster(clusterId), error);
      if (explained === undefined) throw error;
      explained.message += ` The server said: ${error.errno} ${error.message}`;
      throw explained;
    }
  };

  return {
    readCluster,
    readAllClusters: (clusterId) => known(clusterId, READ_ALL),
    readStandbys: (clusterId) => known(clusterId, READ_STANDBYS),
    async readServers(clusterId) {
      return await watchServers(serversOf(clusterId), access.connectTimeoutMs);
    },
    async failover(clusterId, mode, force) {
      const { name } = await readCluster(clusterId);
      await change(clusterId, failoverStatement(name, clusterId, { mode, force }), (now, said) =>
        explainFailover(now, mode, said),
      );
    },
    async removeCluster(primaryClusterId, clusterId) {
      const found = (await known(primaryClusterId, READ_STANDBYS)).find((other) => other.clusterId === clusterId);
      if (found === undefined) {
        const now = await readCluster(primaryClusterId);
        throw now.role === "PRIMARY" ? unknownTo(primaryClusterId, clusterId) : notThe("PRIMARY", now);
      }
      const name = plainName("cluster", found.name);
      await change(primaryClusterId, `ALTER SYSTEM REMOVE CLUSTER ${name} CLUSTER_ID = ${clusterId}`, (now) =>
        now.role === "PRIMARY" ? unknownTo(primaryClusterId, clusterId) : notThe("PRIMARY", now),
      );
    },
    switchoverToStandby: (clusterId) =>
      change(clusterId, TO_STANDBY, (now) => (now.role === "PRIMARY" ? notAllowed(now) : notThe("PRIMARY", now))),
    switchoverToPrimary: (clusterId) =>
      change(clusterId, TO_PRIMARY, (now) => {
        const leaving = now.switchoverStatus === "SWITCHOVER SWITCHING";
        return now.role === "PHYSICAL STANDBY" || leaving ? notAllowed(now) : notThe("PHYSICAL STANDBY", now);
      }),
  };
}

interface FailoverStatement {
  readonly mode: FailoverMode;
  readonly force: boolean;
}

function failoverStatement(name: string, clusterId: number, { mode, force }: FailoverStatement): string {
  const suffix = force ? " FORCE" : "";
  return mode === "lossless"
    ? `ALTER SYSTEM FAILOVER TO ${quoteLiteral(name)} CLUSTER_ID = ${clusterId}${suffix}`
    : `ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER${suffix}`;
}

function explainFailover(now: ClusterView, mode: FailoverMode, said: ServerSaidNo): OceanBaseError | undefined {
  if (now.role !== "PHYSICAL STANDBY") return notThe("PHYSICAL STANDBY", now);
  if (now.switchoverStatus === "FAILOVER FLASHBACK") {
    return new OceanBaseError("FLASHBACK_UNFINISHED", `Cluster ${now.name} is in FAILOVER FLASHBACK.`);
  }
  if (now.switchoverStatus !== "TO PRIMARY") return notAllowed(now);
  if (mode === "lossless" && !promisesLossless(now.protectionLevel)) {
    return new OceanBaseError("NOT_LOSSLESS", `Protection level ${now.protectionLevel} promises no lossless failover.`);
  }
  // Of what the manuals name only this is left, which FORCE passes; another number is another trouble.
  if (said.errno !== OP_NOT_ALLOW) return undefined;
  return new OceanBaseError("OTHER_STANDBY_DISABLED", `Another standby of cluster ${now.name} is DISABLED.`);
}

function notThe(needed: ClusterRole, { name, role }: ClusterView): OceanBaseError {
  const code = needed === "PRIMARY" ? "NOT_PRIMARY" : "NOT_STANDBY";
  return new OceanBaseError(code, `Cluster ${name} is ${role}: the statement needs a ${needed}.`);
}

function notAllowed({ name, switchoverStatus, switchoverInfo }: ClusterView): OceanBaseError {
  return new OceanBaseError(
    "NOT_ALLOWED",
    `Switchover status of cluster ${name}: ${switchoverStatus}, reason: ${switchoverInfo}.`,
  );
}

function unknownTo(primaryClusterId: number, clusterId: number): OceanBaseError {
  return new OceanBaseError("CLUSTER_UNKNOWN", `Cluster ${primaryClusterId} does not know cluster ${clusterId}.`);
}

function clusterView(clusterId: number, [row, ...more]: readonly ClusterRow[]): ClusterView {
  if (row === undefined || more.length > 0) {
    throw new OceanBaseError("NOT_SUPPORTED", `V$OB_CLUSTER of cluster ${clusterId} does not have exactly one row.`);
  }
  const { role, status, name, clusterId: found } = knownCluster(row);
  if (found !== clusterId) {
    throw new OceanBaseError(
      "CLUSTER_UNKNOWN",
      `The servers configured for cluster ${clusterId} are those of ${found}.`,
    );
  }
  return {
    clusterId,
    name,
    role,
    status,
    switchoverStatus: String(row["SWITCHOVER_STATUS"]) as SwitchoverStatus,
    switchoverInfo: String(row["SWITCHOVER_INFO"] ?? ""),
    protectionMode: String(row["PROTECTION_MODE"]) as ProtectionMode,
    protectionLevel: String(row["PROTECTION_LEVEL"]) as ProtectionLevel,
    currentScn: Number(row["CURRENT_SCN"]),
  };
}

function knownCluster(row: ClusterRow): KnownCluster {
  return {
    clusterId: Number(row["CLUSTER_ID"]),
    name: String(row["CLUSTER_NAME"]),
    role: String(row["CLUSTER_ROLE"]) as ClusterRole,
    status: String(row["CLUSTER_STATUS"]) as ClusterStatus,
  };
}
