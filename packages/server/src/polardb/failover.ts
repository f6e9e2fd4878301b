/**
 * FailoverDBCluster: one request, at most one switch, one RequestId. Owns: the order of things, idempotence by ClientToken (R43), and which
 * word of the API a refusal has. Does not own: the switch, which is the plan's, and what may be switched, which are the plan's own checks.
 *
 * A token belongs to an access key and a cluster, and to both actions of a failover: with either of them it has one effect. From the
 * three together come the run's client token and its id, which is the RequestId that is answered: whoever knows the token finds the run
 * in the journal, this server or the next one, and answers the same. Only what the request means is compared, never how it was signed,
 * nor what the server adds (its switch interval may be another one after a restart).
 *
 * The order, for each token one request at a time; the same request at the same time shares what becomes of the first one:
 * 1. The journal has a run of the token: its RequestId, or IdempotentParameterMismatch.
 * 2. The plan's reading steps. A refusal is answered and leaves no trace: the token is free. No answer in time: go on; what they would have
 *    said the run finds out by itself, and ends without having touched anything.
 * 3. The run is started: token, id and the cluster's lock in one write. Once that is durable, the request is acknowledged.
 * After a refusal in 2 or 3 the journal is asked again: another server may have been faster with the same token, and its switch is the very
 * reason of the refusal.
 *
 * Two tokens at once: both may pass 2; one gets the lock, the other is refused as if the cluster were Switching already, its token free.
 * The server dies before 3 is durable: nothing has happened, the client repeats and it happens then. It dies between 3 and the answer: the
 * next server goes on with the run, and the repeated request finds it in 1. A request without a token is one of its own each time.
 */
import { createHash } from "node:crypto";
import { BelayError, type Json } from "@belay/engine";
import { polarApiError, type TargetZoneType } from "@belay/failover-plans/polardb";
import { may } from "../access/principal.ts";
import type { Asker, Host } from "../host/host.ts";
import { ApiFault, polarRefused, refused } from "./api-fault.ts";
import { ANSWER_MS, type ClusterViews, PLAN } from "./cluster-views.ts";

/** What is asked for; checked. */
export interface FailoverRequest {
  readonly accessKeyId: string;
  readonly clusterId: string;
  readonly targetNodeId: string | undefined;
  readonly targetZoneType: TargetZoneType | undefined;
  readonly rollBackForDisaster: boolean | undefined;
  readonly clientToken: string | undefined;
  /** Name of the action, for the audit. */
  readonly action: string;
}

/** A request with the names that its run has. */
interface Named {
  readonly request: FailoverRequest;
  /** The run's id, and the RequestId of its answer. */
  readonly runId: string;
  /** The run's client token; undefined when there is none. */
  readonly token: string | undefined;
  readonly asker: Asker;
}

interface Flight {
  /** What the request means. */
  readonly meaning: string;
  readonly outcome: Promise<string>;
}

/** See the head of this file. */
export class Failovers {
  readonly #host: Host;
  readonly #views: ClusterViews;
  readonly #switchIntervalSeconds: number;
  readonly #flights = new Map<string, Flight>();

  constructor(host: Host, views: ClusterViews, switchIntervalSeconds: number) {
    this.#host = host;
    this.#views = views;
    this.#switchIntervalSeconds = switchIntervalSeconds;
  }

  /** Acknowledges a failover: its RequestId. Throws the refusal. `requestId` is that of a request without a token. */
  async failOver(request: FailoverRequest, asker: Asker, requestId: string): Promise<string> {
    if (!may(asker.principal, "steer", PLAN)) {
      this.#audit(asker, "FORBIDDEN", request.action);
      throw refused("Forbidden");
    }
    if (request.clientToken === undefined) {
      return await this.#carryOut({ request, runId: requestId, token: undefined, asker });
    }
    const token = tokenOf(request, request.clientToken);
    return await this.#single(token, meaningOf(request), () =>
      this.#carryOut({ request, runId: runIdOf(token), token, asker }),
    );
  }

  async #single(token: string, meaning: string, work: () => Promise<string>): Promise<string> {
    for (;;) {
      const flight = this.#flights.get(token);
      if (flight === undefined) break;
      if (flight.meaning === meaning) return await flight.outcome;
      await flight.outcome.catch(() => undefined);
    }
    const outcome = work();
    this.#flights.set(token, { meaning, outcome });
    try {
      return await outcome;
    } finally {
      this.#flights.delete(token);
    }
  }

  async #carryOut(named: Named): Promise<string> {
    const known = await this.#known(named);
    if (known !== undefined) return known;
    try {
      await this.#precheck(named);
      return await this.#start(named);
    } catch (error) {
      const meanwhile = await this.#known(named);
      if (meanwhile !== undefined) return meanwhile;
      throw inWordsOfTheApi(error);
    }
  }

  /** Step 1. */
  async #known({ request, runId, token }: Named): Promise<string | undefined> {
    if (token === undefined) return undefined;
    const stored = await this.#host.journal.read(runId);
    if (stored?.header.clientToken !== token) return undefined;
    if (meaningOf(paramsMeaning(stored.header.params)) === meaningOf(request)) return runId;
    throw polarRefused("IDEMPOTENT_PARAMETER_MISMATCH");
  }

  /** Step 2. */
  async #precheck({ request, asker }: Named): Promise<void> {
    const plan = this.#host.plan(PLAN);
    const checked = await this.#host.precheck({ plan, params: this.#params(request), timeoutMs: ANSWER_MS });
    if (checked.kind !== "refused") return;
    const [failure] = checked.failures;
    const code = failure?.code ?? "INTERNAL";
    this.#audit(asker, code, `${request.action}: ${failure?.message ?? ""}`);
    throw polarRefused(code);
  }

  /** Step 3. */
  async #start({ request, runId, token, asker }: Named): Promise<string> {
    const why = request.clientToken === undefined ? request.action : `${request.action}, token ${request.clientToken}`;
    const run = await this.#host.start(
      this.#host.plan(PLAN),
      { params: this.#params(request), runId, why, ...(token === undefined ? {} : { clientToken: token }) },
      { ...asker, requestId: runId },
    );
    this.#views.watch(request.clusterId, run);
    return run.id;
  }

  #params(request: FailoverRequest): Readonly<Record<string, Json>> {
    const { clusterId: cluster, targetNodeId, targetZoneType, rollBackForDisaster } = request;
    const given = { targetNodeId, targetZoneType, rollBackForDisaster };
    const present = Object.entries(given).filter(([, value]) => value !== undefined);
    return { cluster, switchIntervalSeconds: this.#switchIntervalSeconds, ...Object.fromEntries(present) };
  }

  /** A refusal before anything was started; those of a start are the host's to write down. */
  #audit({ principal, surface, remote, requestId }: Asker, outcome: string, why: string): void {
    const at = new Date(this.#host.clock.now()).toISOString();
    const nothing = { runId: null, node: null };
    this.#host.audit.add({
      at,
      who: principal.name,
      surface,
      action: "start",
      plan: PLAN,
      why,
      outcome,
      remote,
      requestId,
      ...nothing,
    });
  }
}

/** The three that a token belongs to, as a client token of the engine: 64 hex digits. */
function tokenOf({ accessKeyId, clusterId }: FailoverRequest, clientToken: string): string {
  return digestOf(["polardb/failover", accessKeyId, clusterId, clientToken]);
}

/** The run's id: an upper-case UUID (version 8) that the token alone decides. */
function runIdOf(token: string): string {
  const hex = digestOf(["polardb/request-id", token]);
  const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) % 4];
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return [...parts, hex.slice(20, 32)].join("-").toUpperCase();
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

type Meaning = Pick<FailoverRequest, "targetNodeId" | "targetZoneType" | "rollBackForDisaster">;

/** What two requests of a token must agree in; leaving RollBackForDisaster out means false. */
function meaningOf({ targetNodeId, targetZoneType, rollBackForDisaster }: Partial<Meaning>): string {
  return JSON.stringify([targetNodeId ?? null, targetZoneType ?? null, rollBackForDisaster ?? false]);
}

function paramsMeaning(params: Readonly<Record<string, Json>>): Partial<Meaning> {
  const { targetNodeId, targetZoneType, rollBackForDisaster } = params;
  return { targetNodeId, targetZoneType, rollBackForDisaster } as Partial<Meaning>;
}

function inWordsOfTheApi(error: unknown): unknown {
  if (!(error instanceof BelayError)) return error;
  const api = polarApiError(error.code);
  return api === undefined ? error : new ApiFault(api);
}
