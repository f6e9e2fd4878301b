/**
 * OceanBase as a server of MySQL's protocol on the loopback interface, over the models in memory: for tests, drills and demos of the
 * SQL adapters. One listener for each observer of the model. It answers the statements that the adapters give, and refuses what a real
 * one refuses; it is no OceanBase, and proves nothing about one.
 */
import type { OceanBaseModel } from "../oceanbase/model.ts";
import type { TenantModel } from "../oceanbase/tenant-model.ts";
import type { ClusterSite } from "../oceanbase-sql/cluster-control.ts";
import type { SqlAddress } from "../oceanbase-sql/sys-session.ts";
import type { TenantSite } from "../oceanbase-sql/tenant-control.ts";
import { answerAsCluster } from "./cluster-statements.ts";
import { type ProtocolServer, type StatementAnswer, startProtocolServer, type WireFault } from "./protocol-server.ts";
import { answerAsTenant } from "./tenant-statements.ts";

export type { WireFault };

/** A user and a password for the sys tenants. */
export const SERVER_USER = "root@sys";
/** Password of `SERVER_USER`, which is that of nobody else. */
export const SERVER_PASSWORD = "loopback-only";

/** What was said to a server. */
export interface HeardStatement {
  /** Name of the cluster or tenant whose server it was. */
  readonly to: string;
  /** As it came, but for passwords. */
  readonly statement: string;
}

export interface ServerOptions {
  /** Which fault befalls a statement. Default: none. */
  readonly fault?: (heard: HeardStatement) => WireFault | undefined;
}

/** Servers that run. */
export interface RunningServers {
  /** Every statement that came, in order. */
  readonly heard: readonly HeardStatement[];
  /** Stops one server, in the model and on the wire, by its address in the model. */
  stopServer(address: string): Promise<void>;
  /** Starts it again, on the same port. */
  startServer(address: string): Promise<void>;
  /** Stops all servers; the model keeps what it knows. */
  close(): Promise<void>;
}

/** Servers of clusters, and where they are. */
export interface ClusterServers extends RunningServers {
  readonly sites: readonly ClusterSite[];
}

/** Servers of tenants, and where they are. */
export interface TenantServers extends RunningServers {
  readonly sites: readonly TenantSite[];
}

/** Starts the servers of clusters of 2.2.76 <= version < 4.0. Those that the model has dead do not listen. */
export async function serveClusters(model: OceanBaseModel, options: ServerOptions = {}): Promise<ClusterServers> {
  const running = new Observers("5.7.25-OceanBase-v3.1.4", options, (address, alive) =>
    model.setServer(address, alive),
  );
  const sites: ClusterSite[] = [];
  for (const clusterId of model.clusterIds) {
    const answer = (statement: string) => answerAsCluster(model, clusterId, statement);
    const servers = await running.open(`cluster ${clusterId}`, await model.readServers(clusterId), answer);
    sites.push({ clusterId, servers });
  }
  return { ...running.surface(), sites };
}

/** Starts the servers of tenants of 4.x; `passwords` by reference, as the model has them. */
export async function serveTenants(
  model: TenantModel,
  passwords: Readonly<Record<string, string>>,
  options: ServerOptions = {},
): Promise<TenantServers> {
  const running = new Observers("5.7.25-OceanBase-v4.3.1", options, (address, alive) =>
    model.setServer(address, alive),
  );
  const sites: TenantSite[] = [];
  const addresses = new Map<string, string>();
  const ownerOf = (address: string): string | undefined =>
    sites.find(({ servers }) => servers.some(({ host, port }) => `${host}:${port}` === address))?.name;
  const referenceOf = (password: string): string =>
    Object.entries(passwords).find(([, known]) => known === password)?.[0] ?? "(wrong password)";
  for (const name of model.names) {
    const served = { model, name, addresses, ownerOf, referenceOf };
    const answer = (statement: string) => answerAsTenant(served, statement);
    const servers = await running.open(name, await model.readServers(name), answer);
    for (const { address = "", host, port } of servers) addresses.set(address, `${host}:${port}`);
    sites.push({ name, tenant: model.tenantName(name), servers });
  }
  return { ...running.surface(), sites };
}

type Answer = (statement: string) => Promise<StatementAnswer | undefined>;

/** Listeners by the address that their server has in the model. */
class Observers {
  readonly #version: string;
  readonly #options: ServerOptions;
  readonly #setServer: (address: string, alive: boolean) => void;
  readonly #listeners = new Map<string, ProtocolServer>();
  readonly #heard: HeardStatement[] = [];

  constructor(version: string, options: ServerOptions, setServer: (address: string, alive: boolean) => void) {
    this.#version = version;
    this.#options = options;
    this.#setServer = setServer;
  }

  async open(
    to: string,
    states: readonly { readonly address: string; readonly alive: boolean }[],
    answer: Answer,
  ): Promise<SqlAddress[]> {
    const places: SqlAddress[] = [];
    for (const { address, alive } of states) {
      const listener = await startProtocolServer({
        version: this.#version,
        users: { [SERVER_USER]: SERVER_PASSWORD },
        answer,
        fault: (statement) => {
          const heard = { to, statement: statement.replace(/PASSWORD=\S+/, "PASSWORD=******'") };
          this.#heard.push(heard);
          return this.#options.fault?.(heard);
        },
      });
      if (!alive) await listener.stop();
      this.#listeners.set(address, listener);
      places.push({ host: listener.host, port: listener.port, address });
    }
    return places;
  }

  surface(): RunningServers {
    return {
      heard: this.#heard,
      stopServer: async (address) => {
        this.#setServer(address, false);
        await this.#listeners.get(address)?.stop();
      },
      startServer: async (address) => {
        this.#setServer(address, true);
        await this.#listeners.get(address)?.start();
      },
      close: async () => {
        for (const listener of this.#listeners.values()) await listener.stop();
      },
    };
  }
}
