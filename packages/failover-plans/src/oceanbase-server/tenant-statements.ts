/**
 * What an observer of an OceanBase 4.x cluster answers in the sys tenant, on the model of one of its tenants. Owns: the grammar of the
 * statements that the adapter gives, and the numbers with which they are refused. Everything else is error 1064.
 */
import { OceanBaseError, type RefusalCode, TENANT_ERRORS } from "../oceanbase/refusal.ts";
import type { TenantChange } from "../oceanbase/tenant-control.ts";
import type { TenantModel } from "../oceanbase/tenant-model.ts";
import { ServerRefusal, type StatementAnswer } from "./protocol-server.ts";
import { parseError, select, type ViewRow } from "./select.ts";

/** One tenant of the model, as its cluster sees it and the others. */
export interface ServedTenant {
  readonly model: TenantModel;
  readonly name: string;
  /** Real address of every server of the model, by its address in the model. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Name of the tenant that a real address belongs to. */
  readonly ownerOf: (address: string) => string | undefined;
  /** The name of a reference that stands for this password. */
  readonly referenceOf: (password: string) => string;
}

/** Number of what is not among those that the manual lists. */
const NOT_ALLOWED = 4179;
const TENANT_NOT_FOUND = 5160;
const TENANT_ID = 1004;
const MAX_SCN = "4611686018427387903";
const CHANGE =
  /^ALTER SYSTEM (SWITCHOVER TO STANDBY|SWITCHOVER TO PRIMARY|ACTIVATE STANDBY) TENANT = ([\w.-]+)( VERIFY)?$/;
const SOURCE = /^ALTER SYSTEM SET LOG_RESTORE_SOURCE = '((?:[^'\\]|\\.)*)' TENANT = ([\w.-]+)$/;
const SERVICE = /^SERVICE=(\S+) USER=(\w+)@([\w.-]+) PASSWORD=(\S+)$/;

/** Carries out one statement. Throws ServerRefusal. */
export async function answerAsTenant(served: ServedTenant, statement: string): Promise<StatementAnswer | undefined> {
  try {
    const answer = await select(statement, viewsOf(served));
    if (answer !== undefined || /^SET OB_QUERY_TIMEOUT = \d+$/.test(statement)) return answer;
    const change = CHANGE.exec(statement);
    if (change !== null) {
      const [, words, tenant, verify] = change;
      admitTenant(served, tenant);
      const { model, name } = served;
      await (verify === undefined ? model.change : model.rehearse)(name, words as TenantChange);
      return undefined;
    }
    const source = SOURCE.exec(statement);
    if (source !== null) {
      admitTenant(served, source[2]);
      await setSource(served, (source[1] ?? "").replaceAll(/\\(.)/g, "$1"));
      return undefined;
    }
  } catch (error) {
    throw error instanceof OceanBaseError ? refusal(error) : error;
  }
  throw parseError(statement);
}

function admitTenant({ model, name }: ServedTenant, tenant: string | undefined): void {
  if (tenant !== model.tenantName(name)) throw new ServerRefusal(TENANT_NOT_FOUND, `Tenant not exist: ${tenant}`);
}

async function setSource({ model, name, ownerOf, referenceOf }: ServedTenant, text: string): Promise<void> {
  if (text === "") return await model.setRestoreSource(name, null);
  const [, addresses = "", user = "", tenant, password = ""] = SERVICE.exec(text) ?? [];
  const from = addresses.split(";").map(ownerOf)[0];
  if (from === undefined || model.tenantName(from) !== tenant) {
    throw new ServerRefusal(4043, `Tenant not exist at ${addresses}`);
  }
  await model.setRestoreSource(name, { from, user, passwordRef: referenceOf(password) });
}

function refusal(error: OceanBaseError): ServerRefusal {
  return new ServerRefusal(numberOf(error.code), error.message, error);
}

function numberOf(code: RefusalCode): number {
  const listed = Object.entries(TENANT_ERRORS).find(([, known]) => known.code === code);
  return listed === undefined ? NOT_ALLOWED : Number(listed[0]);
}

function viewsOf(served: ServedTenant) {
  const { model, name } = served;
  return {
    DBA_OB_TENANTS: async () => {
      const { role, switchoverStatus, syncScn } = await model.readTenant(name);
      const own = {
        TENANT_ID,
        TENANT_NAME: model.tenantName(name),
        TENANT_TYPE: "USER",
        TENANT_ROLE: role,
        SWITCHOVER_STATUS: switchoverStatus,
        SYNC_SCN: String(syncScn),
        RECOVERY_UNTIL_SCN: MAX_SCN,
      };
      const meta = { ...own, TENANT_ID: TENANT_ID - 1, TENANT_NAME: `META$${TENANT_ID}`, TENANT_TYPE: "META" };
      const sys = {
        ...own,
        TENANT_ID: 1,
        TENANT_NAME: "sys",
        TENANT_TYPE: "SYS",
        TENANT_ROLE: "PRIMARY",
        SYNC_SCN: null,
      };
      return [sys, meta, own];
    },
    CDB_OB_LS: async () =>
      (await model.readLogStreams(name)).map(({ lsId, status }) => ({ TENANT_ID, LS_ID: lsId, STATUS: status })),
    CDB_OB_LS_LOCATIONS: async () =>
      (await model.readLogStreams(name)).flatMap(({ lsId, offlineReplicas }) => [
        { TENANT_ID, LS_ID: lsId, SVR_IP: "10.0.0.1", SVR_PORT: 2882 },
        ...gone(offlineReplicas).map((server) => ({ TENANT_ID, LS_ID: lsId, ...server })),
      ]),
    DBA_OB_SERVERS: async () => {
      const offline = Math.max(...(await model.readLogStreams(name)).map((stream) => stream.offlineReplicas));
      return [
        { SVR_IP: "10.0.0.1", SVR_PORT: 2882, STATUS: "ACTIVE" },
        ...gone(offline).map((server) => ({ ...server, STATUS: "INACTIVE" })),
      ];
    },
    CDB_OB_LOG_RESTORE_SOURCE: async (): Promise<readonly ViewRow[]> => {
      const source = await model.readRestoreSource(name);
      if (source === null) return [];
      const VALUE = source.value.replaceAll(/[\w.-]+:\d+/g, (address) => served.addresses.get(address) ?? address);
      return [{ TENANT_ID, ID: 1, TYPE: "SERVICE", VALUE, RECOVERY_UNTIL_SCN: MAX_SCN }];
    },
  };
}

/** So many servers that are not active. */
function gone(servers: number): { readonly SVR_IP: string; readonly SVR_PORT: number }[] {
  return Array.from({ length: servers }, (_, index) => ({ SVR_IP: `10.0.1.${index + 1}`, SVR_PORT: 2882 }));
}
