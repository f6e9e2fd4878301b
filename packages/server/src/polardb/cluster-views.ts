/**
 * What the API shows of clusters. Owns: that an answer comes in time whatever a cluster does, and that a failover shows from the moment it
 * is acknowledged: its run marks the cluster as Switching a moment later, and a client that asks in between must not take it for over.
 *
 * A cluster that does not answer is shown as it was seen last; one that was never seen, with what the site knows of it and no nodes.
 */
import type { Run } from "@belay/engine";
import type { HaLogEntry, PolarCall, PolarCluster } from "@belay/failover-plans/polardb";
import type { Host } from "../host/host.ts";
import type { PolarClusterFacts, PolarSite } from "../site.ts";
import { callOf } from "./free-call.ts";

/** Name of the plan behind the API. */
export const PLAN = "polardb-failover";

/** Milliseconds for a cluster to answer: together with everything else well within the three seconds of the most impatient client. */
export const ANSWER_MS = 1500;

/** DBClusterStatus of a cluster of which nothing is known. */
const UNKNOWN_STATUS = "INS_MAINTAINING";

/** A cluster as it is shown. */
export interface ClusterView {
  readonly facts: PolarClusterFacts;
  /** As it stands, or stood when it was seen last; undefined: it was never seen. */
  readonly cluster: PolarCluster | undefined;
  /** DBClusterStatus. */
  readonly status: string;
}

/** See the head of this file. */
export class ClusterViews {
  readonly #host: Host;
  readonly #seen = new Map<string, PolarCluster>();
  readonly #logs = new Map<string, readonly HaLogEntry[]>();
  readonly #runs = new Map<string, Run>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** All clusters, in the site's order. */
  get all(): readonly PolarClusterFacts[] {
    return this.#host.site.polardb?.clusters ?? [];
  }

  /** The cluster of that id; undefined when there is none. */
  factsOf(clusterId: string): PolarClusterFacts | undefined {
    return this.all.find((facts) => facts.clusterId === clusterId);
  }

  /** The cluster as it is shown. Answers within `ANSWER_MS`, never fails. */
  async see(facts: PolarClusterFacts): Promise<ClusterView> {
    const { clusterId } = facts;
    const found = await this.#ask(({ control }, call) => control.describe(clusterId, call));
    if (found !== undefined) this.#seen.set(clusterId, found);
    const cluster = found ?? this.#seen.get(clusterId);
    return { facts, cluster, status: this.#isSwitching(clusterId) ? "Switching" : (cluster?.status ?? UNKNOWN_STATUS) };
  }

  /** The log of switches, the youngest first, as it was read last; undefined when it could never be read. */
  async haLog(clusterId: string): Promise<readonly HaLogEntry[] | undefined> {
    const found = await this.#ask(({ control }, call) => control.haLog(clusterId, call));
    if (found !== undefined) this.#logs.set(clusterId, found);
    return found ?? this.#logs.get(clusterId);
  }

  /** The cluster shows Switching as long as that run moves. */
  watch(clusterId: string, run: Run): void {
    this.#runs.set(clusterId, run);
    void run.settled().then(() => {
      if (this.#runs.get(clusterId) === run) this.#runs.delete(clusterId);
    });
  }

  /** Runs of an earlier server, which this one has taken up. */
  async watchKnown(): Promise<void> {
    for (const { runId, planName, ended, locks } of await this.#host.summaries()) {
      if (ended || planName !== PLAN) continue;
      const run = this.#host.engine.run(runId);
      const clusterId = locks.find((lock) => lock.startsWith("polardb/"))?.slice("polardb/".length);
      if (run !== undefined && clusterId !== undefined) this.watch(clusterId, run);
    }
  }

  #isSwitching(clusterId: string): boolean {
    const status = this.#runs.get(clusterId)?.snapshot().status;
    return status === "RUNNING" || status === "ROLLING_BACK";
  }

  /** undefined: there was no answer in time, or a refusal. */
  async #ask<T>(question: (site: PolarSite, call: PolarCall) => Promise<T>): Promise<T | undefined> {
    const { polardb } = this.#host.site;
    if (polardb === undefined) return undefined;
    const late = new AbortController();
    let forget = (): void => undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      forget = this.#host.clock.schedule(ANSWER_MS, () => {
        late.abort(new Error(`no answer within ${ANSWER_MS} ms`));
        resolve(undefined);
      });
    });
    const asked = question(polardb, callOf(late.signal)).catch(() => undefined);
    try {
      return await Promise.race([asked, tooLate]);
    } finally {
      forget();
    }
  }
}
