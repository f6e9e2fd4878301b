/**
 * A PostgreSQL cluster of the inventory, as its actions take it. What SQL cannot do on the machines is still the caller's `control`;
 * where the inventory names a fence, that is what ends a node.
 */

import { BelayError } from "@belay/engine";
import { commandFence } from "../fencing/command-fence.ts";
import { type Fence, fencedControl } from "../fencing/fence.ts";
import { httpFence } from "../fencing/http-fence.ts";
import { clusterNamed, type Inventory, type InventoryCluster, readSecret } from "../inventory/inventory.ts";
import { openRecoveryLog } from "../recovery/recovery-file.ts";
import { openRoute } from "../route/route-file.ts";
import type { PostgresActionsOptions } from "./access.ts";
import type { NodeControl, PostgresNode } from "./ports.ts";

/**
 * Reads the secrets and opens route and log. Throws NOT_FOUND for an unknown cluster, INVALID_ARGUMENT for one of another system,
 * ENVIRONMENT for a secret that is missing.
 */
export async function postgresFromInventory(
  inventory: Inventory,
  name: string,
  control: NodeControl,
): Promise<PostgresActionsOptions> {
  const cluster = clusterNamed(inventory, name);
  if (cluster.system !== "postgres") {
    throw new BelayError("INVALID_ARGUMENT", `cluster "${name}" is one of ${cluster.system}, not of postgres`);
  }
  const password = await passwordOf(cluster, name);
  const nodes = cluster.nodes.map(
    (node): PostgresNode => ({
      ...node,
      user: cluster.user,
      database: cluster.database ?? "postgres",
      ...(password === undefined ? {} : { password }),
    }),
  );
  const fence = fenceOf(cluster, name);
  const hosts = new Map(nodes.map((node) => [node.name, node.host]));
  return {
    nodes,
    control: fence === undefined ? control : fencedControl(control, fence, hosts),
    route: await openRoute(cluster.route),
    recoveries: await openRecoveryLog(cluster.recoveries),
  };
}

async function passwordOf({ password }: InventoryCluster, name: string): Promise<string | undefined> {
  return password === undefined ? undefined : await readSecret(password, `clusters.${name}.password`);
}

function fenceOf({ fence }: InventoryCluster, name: string): Fence | undefined {
  if (fence === undefined) return undefined;
  if ("command" in fence) {
    const { timeoutSeconds, ...commands } = fence.command;
    return commandFence(timeoutSeconds === undefined ? commands : { ...commands, timeoutMs: timeoutSeconds * 1000 });
  }
  const { url, token } = fence.http;
  const baseUrl = url.replace(/\/$/, "");
  if (token === undefined) return httpFence({ baseUrl });
  return httpFence({ baseUrl, token: () => readSecret(token, `clusters.${name}.fence.http.token`) });
}
