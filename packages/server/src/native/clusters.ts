/**
 * Clusters: what the inventory has of them, and their nodes as they stand now. Never shows a credential, nor what a system said about a
 * failed connection, which may hold one. Owns: how long a cluster may take to answer, and that it is asked once at a time.
 */
import type { ClusterPlan, SiteCluster, SiteNode } from "../site.ts";
import type { NativeOptions, NativeRoute } from "./route.ts";
import { list, object, ref, text } from "./schemas/build.ts";
import { clusterOf } from "./start.ts";

const DEFAULT_PATIENCE_MS = 3000;

/** The group of routes. */
export function clusterRoutes({ host, patienceMs = DEFAULT_PATIENCE_MS }: NativeOptions): readonly NativeRoute[] {
  const asked = new Map<string, Promise<NodesOrProblem>>();
  // A question that is under way answers whoever asks meanwhile: a cluster that hangs is asked once.
  const nodesOf = async (cluster: SiteCluster): Promise<NodesOrProblem> => {
    const pending = asked.get(cluster.id) ?? ask(cluster, patienceMs).finally(() => asked.delete(cluster.id));
    asked.set(cluster.id, pending);
    return await pending;
  };
  const clusters = host.site.clusters ?? [];
  return [
    {
      method: "GET",
      path: "/v1/inventory",
      id: "getInventory",
      tag: "clusters",
      summary: "All clusters",
      wish: "read",
      answers: {
        200: { description: "As the site lists them.", schema: object({ clusters: list(ref("Cluster")) }) },
      },
      handle: () => ({ clusters: clusters.map(rowOf) }),
    },
    {
      method: "GET",
      path: "/v1/clusters/:id",
      id: "getCluster",
      tag: "clusters",
      summary: "A cluster and its nodes",
      description: "A cluster that cannot be reached is no error: `problem` says so.",
      wish: "read",
      params: object({ id: text("Id of the cluster.", { minLength: 1, maxLength: 200 }) }),
      answers: { 200: { description: "As it stands now.", schema: ref("ClusterState") } },
      handle: async ({ params: { id = "" } }) => {
        const cluster = clusterOf(host, id);
        return { ...rowOf(cluster), ...(await nodesOf(cluster)) };
      },
    },
  ];
}

interface NodesOrProblem {
  readonly nodes: readonly SiteNode[] | null;
  readonly problem: string | null;
}

async function ask(cluster: SiteCluster, patienceMs: number): Promise<NodesOrProblem> {
  const signal = AbortSignal.timeout(patienceMs);
  const late = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  try {
    const nodes = await Promise.race([cluster.nodes(signal), late]);
    if (nodes === undefined) return { nodes: null, problem: `no answer within ${patienceMs / 1000} s` };
    const shown = nodes.map(({ id, role, status, endpoint }) => ({ id, role, status, endpoint }));
    return { nodes: shown, problem: null };
  } catch (error) {
    return { nodes: null, problem: `its nodes cannot be asked: ${codeOf(error)}` };
  }
}

/** Words of a system may hold what it was connected with; codes do not. */
function codeOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : "UNREACHABLE";
}

function rowOf({ id, system, description, planned, forced }: SiteCluster): object {
  return { id, system, description: description ?? null, planned: wayOf(planned), forced: wayOf(forced) };
}

function wayOf(way: ClusterPlan | undefined): object | null {
  return way === undefined ? null : { plan: way.plan, takesTarget: way.targetParam !== undefined };
}
