/**
 * What an observer of a cluster of 2.2.76 <= version < 4.0 answers in the sys tenant, on the model. Owns: the grammar of the statements
 * that the adapter gives, and the numbers with which they are refused. Everything else is error 1064.
 */
import type { FailoverMode, KnownCluster } from "../oceanbase/control.ts";
import type { OceanBaseModel } from "../oceanbase/model.ts";
import { OceanBaseError } from "../oceanbase/refusal.ts";
import { ServerRefusal, type StatementAnswer } from "./protocol-server.ts";
import { parseError, select, type ViewRow } from "./select.ts";

/** OB_OP_NOT_ALLOW. */
const NOT_ALLOWED = 4179;
/** OB_TIMEOUT: the flashback was not finished in the statement's time. */
const TIMEOUT = 4012;
/** OB_ENTRY_NOT_EXIST. */
const NOT_FOUND = 4018;

type Statement = (model: OceanBaseModel, clusterId: number, words: readonly string[]) => Promise<void>;

const failover =
  (mode: FailoverMode): Statement =>
  async (model, clusterId, words) => {
    // FAILOVER TO names the cluster that is to become primary, which must be this one.
    if (mode === "lossless") {
      const { name } = await model.readCluster(clusterId);
      if (words[0] !== name || Number(words[1]) !== clusterId) throw new ServerRefusal(NOT_FOUND, "cluster not exist");
    }
    await model.failover(clusterId, mode, words.at(-1) !== undefined && words.at(-1) !== "");
  };

const STATEMENTS: readonly (readonly [pattern: RegExp, statement: Statement])[] = [
  [/^SET OB_QUERY_TIMEOUT = \d+$/, async () => undefined],
  [/^ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER( FORCE)?$/, failover("lossy")],
  [/^ALTER SYSTEM FAILOVER TO '([^']+)' CLUSTER_ID = (\d+)( FORCE)?$/, failover("lossless")],
  [
    /^ALTER SYSTEM REMOVE CLUSTER ([\w.-]+) CLUSTER_ID = (\d+)$/,
    async (model, clusterId, [name, id]) => {
      const found = (await model.readStandbys(clusterId)).find((other) => other.clusterId === Number(id));
      if (found !== undefined && found.name !== name) throw new ServerRefusal(NOT_FOUND, "cluster not exist");
      await model.removeCluster(clusterId, Number(id));
    },
  ],
  [
    /^ALTER SYSTEM COMMIT TO SWITCHOVER TO PHYSICAL STANDBY$/,
    async (model, clusterId) => await model.switchoverToStandby(clusterId),
  ],
  [
    /^ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY$/,
    async (model, clusterId) => await model.switchoverToPrimary(clusterId),
  ],
];

/** Carries out one statement on a cluster of the model. Throws ServerRefusal. */
export async function answerAsCluster(
  model: OceanBaseModel,
  clusterId: number,
  statement: string,
): Promise<StatementAnswer | undefined> {
  try {
    const answer = await select(statement, viewsOf(model, clusterId));
    if (answer !== undefined) return answer;
    for (const [pattern, carryOut] of STATEMENTS) {
      const words = pattern.exec(statement);
      if (words !== null) {
        await carryOut(model, clusterId, words.slice(1));
        return undefined;
      }
    }
  } catch (error) {
    throw error instanceof OceanBaseError ? refusal(error) : error;
  }
  throw parseError(statement);
}

function refusal(error: OceanBaseError): ServerRefusal {
  const errno =
    error.code === "FLASHBACK_UNFINISHED" ? TIMEOUT : error.code === "CLUSTER_UNKNOWN" ? NOT_FOUND : NOT_ALLOWED;
  return new ServerRefusal(errno, error.message, error);
}

function viewsOf(model: OceanBaseModel, clusterId: number) {
  return {
    V$OB_CLUSTER: async (): Promise<readonly ViewRow[]> => {
      const view = await model.readCluster(clusterId);
      return [
        {
          ...knownRow(view),
          SWITCHOVER_STATUS: view.switchoverStatus,
          SWITCHOVER_INFO: view.switchoverInfo,
          PROTECTION_MODE: view.protectionMode,
          PROTECTION_LEVEL: view.protectionLevel,
          CURRENT_SCN: view.currentScn,
        },
      ];
    },
    V$OB_ALL_CLUSTERS: async () => (await model.readAllClusters(clusterId)).map(knownRow),
    V$OB_STANDBY_STATUS: async () => (await model.readStandbys(clusterId)).map(knownRow),
  };
}

function knownRow({ clusterId, name, role, status }: KnownCluster): ViewRow {
  return { CLUSTER_ID: clusterId, CLUSTER_NAME: name, CLUSTER_ROLE: role, CLUSTER_STATUS: status };
}
