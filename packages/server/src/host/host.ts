/**
 * What all APIs of a server stand on: one engine, its journal, the plans, the site. Owns: that whoever starts or steers a run may do so
 * and is written down; finding a run wherever it is: here, in the journal, with another engine of the journal. Does not own: HTTP, who
 * somebody is, the words of any API.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  auditTrail,
  BelayError,
  type Clock,
  createEngine,
  type Engine,
  type EngineOptions,
  type Journal,
  type Json,
  type Plan,
  type Preview,
  type Run,
  type RunSnapshot,
  readStoredRun,
  type StartOptions,
  type StoredRun,
  systemClock,
  type VerbRequest,
} from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import { may, type Principal } from "../access/principal.ts";
import type { Site } from "../site.ts";
import type { AuditEvent, AuditLog } from "./audit-log.ts";
import type { Catalog } from "./catalog.ts";
import { DryStarts } from "./dry-start.ts";
import { type Precheck, type PrecheckRequest, Prechecks } from "./precheck.ts";
import { dropOldRuns } from "./retention.ts";
import { RunList } from "./run-list.ts";
import { Starters } from "./starters.ts";

/** What a host is made of. */
export interface HostOptions {
  readonly site: Site;
  readonly catalog: Catalog;
  /** Closed with the host. */
  readonly journal: Journal;
  readonly audit: AuditLog;
  /** As of `createEngine`. Default: `systemClock`. */
  readonly clock?: Clock;
  /** As of `createEngine`. */
  readonly secrets?: EngineOptions["secrets"];
  /** As of `createEngine`. Default: no limit. */
  readonly concurrency?: number;
  /** Milliseconds for which runs that have ended are kept. Default: for ever. */
  readonly keepEndedMs?: number;
  /** Told of what went wrong behind the scenes. Default: nobody. */
  readonly onError?: (error: unknown) => void;
  /** Told of runs that could not be taken up. Default: a process warning. */
  readonly onRefusedRun?: EngineOptions["onRefusedRun"];
}

/** Who asks, and through what. */
export interface Asker {
  readonly principal: Principal;
  readonly surface: AuditEvent["surface"];
  readonly remote: string | null;
  /** Id of the HTTP request. */
  readonly requestId: string | null;
}

/** A start as the APIs ask for it. */
export type HostStart = Pick<StartOptions, "params" | "clientToken" | "runId" | "why">;

/** Milliseconds to wait for another engine to carry out a verb. */
const OTHER_ENGINE_MS = 5000;
const LOOK_MS = 50;

/** See the head of this file. */
export class Host {
  readonly site: Site;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly audit: AuditLog;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Who started which run. */
  readonly starters: Starters;
  readonly #list: RunList;
  readonly #prechecks: Prechecks;
  readonly #dryStarts: DryStarts;
  readonly #keepAll: () => void;

  private constructor(
    options: HostOptions,
    engine: Engine,
    { prechecks, dryStarts }: { readonly prechecks: Prechecks; readonly dryStarts: DryStarts },
  ) {
    this.site = options.site;
    this.catalog = options.catalog;
    this.journal = options.journal;
    this.audit = options.audit;
    this.clock = options.clock ?? systemClock;
    this.engine = engine;
    this.starters = new Starters(engine, options.journal);
    this.#list = new RunList(options.journal);
    this.#prechecks = prechecks;
    this.#dryStarts = dryStarts;
    const { keepEndedMs, onError = () => undefined } = options;
    const nothing = (): void => undefined;
    this.#keepAll = keepEndedMs === undefined ? nothing : dropOldRuns(engine, this.clock, keepEndedMs, onError);
  }

  /** Opens the engine; runs of the journal that nobody executes are taken up. Fails as `createEngine` does. */
  static async open(options: HostOptions): Promise<Host> {
    const { site, catalog, journal, clock = systemClock, secrets, concurrency, onRefusedRun } = options;
    site.attach?.({ hasEnded: async (id) => (await journal.list()).some(({ runId, ended }) => ended && runId === id) });
    const plans = Object.fromEntries([...catalog].map(([name, { plan }]) => [name, plan]));
    const shared = { actions: site.actions, clock, plans, ...(secrets === undefined ? {} : { secrets }) };
    const engine = await createEngine({
      ...shared,
      journal,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(onRefusedRun === undefined ? {} : { onRefusedRun }),
    });
    const prechecks = await Prechecks.open(site.actions, clock);
    return new Host(options, engine, { prechecks, dryStarts: await DryStarts.open(shared) });
  }

  /** A plan of the catalog. NOT_FOUND, with `details.known`. */
  plan(name: string): Plan {
    const entry = this.catalog.get(name);
    if (entry !== undefined) return entry.plan;
    const known = [...this.catalog.keys()];
    throw new BelayError("NOT_FOUND", `there is no plan "${name}"; there are ${known.join(", ")}`, { name, known });
  }

  /** Starts a run. Fails with FORBIDDEN, and as `Engine.start` does. */
  async start(plan: Plan, options: HostStart, asker: Asker): Promise<Run> {
    const name = plan.document.name;
    const why = whyOf(plan, options.why);
    return await this.#audited({ action: "start", plan: name, why }, asker, async (event) => {
      checkMay(asker.principal, name);
      this.#checkActions(plan);
      const run = await this.engine.start(plan, { ...options, who: asker.principal.name });
      event.runId = run.id;
      return run;
    });
  }

  #checkActions(plan: Plan): void {
    const { name } = plan.document;
    const missing = this.catalog.get(name)?.missingActions ?? [];
    if (missing.length === 0) return;
    const text = `${name} cannot be started here: the site of this server has no action ${missing.join(", ")}`;
    throw new BelayError("UNKNOWN_ACTION", text, { plan: name, missing });
  }

  /**
   * Asks a verb of a run, wherever it is executed. NOT_FOUND, FORBIDDEN, and as the verb does. Fails with FENCED when another engine has
   * the run and does not answer in time: the request stays, and may be carried out later. `check` sees the run right before and may
   * throw; of a run of this engine nothing comes between the two.
   */
  async verb(
    runId: string,
    request: VerbRequest,
    asker: Asker,
    check?: (before: RunSnapshot) => void,
  ): Promise<RunSnapshot> {
    const node = "node" in request ? (request.node ?? null) : null;
    return await this.#audited({ action: request.verb, runId, node }, asker, async (written) => {
      const { planName } = await this.#known(runId);
      written.plan = planName;
      written.why = whyOf(this.catalog.get(planName)?.plan, request.why);
      checkMay(asker.principal, planName);
      const named = { ...request, who: asker.principal.name } as VerbRequest;
      const run = await this.#ours(runId);
      check?.(run?.snapshot() ?? ((await this.snapshot(runId)) as RunSnapshot));
      return run === undefined ? await this.#askOther(runId, named) : await callVerb(run, named);
    });
  }

  /** What a verb would do (R38). NOT_FOUND. */
  async preview(runId: string, request: VerbRequest): Promise<Preview> {
    const run = this.engine.run(runId) ?? (await this.#stored(runId));
    if (run === undefined) throw unknownRun(runId);
    return run.preview(request);
  }

  /** A run as it stands; undefined when there is none. Claims nothing. */
  async snapshot(runId: string): Promise<RunSnapshot | undefined> {
    const run = this.engine.run(runId) ?? (await this.#stored(runId));
    return run?.snapshot();
  }

  /** All runs of the journal, the oldest first. A long list may be up to a second old, but for what was asked of this host. */
  async summaries(): Promise<readonly RunSummary[]> {
    return await this.#list.all();
  }

  /** The resources that a run of the plan would lock now. Starts nothing; fails as the start would. */
  async locksOf(plan: Plan, params: Readonly<Record<string, Json>>): Promise<readonly string[]> {
    return await this.#dryStarts.locksOf(plan, params);
  }

  /** Carries out a plan's checks and nothing else. */
  async precheck(request: PrecheckRequest): Promise<Precheck> {
    return await this.#prechecks.check(request);
  }

  /** Stops what runs where it is, journals it, closes everything. `keep`: the site may be needed again, see `Site.close`. */
  async close(keep: boolean): Promise<void> {
    this.#keepAll();
    await Promise.all([this.#prechecks.close(), this.#dryStarts.close()]);
    await this.engine.close();
    await this.site.close?.(keep);
    await this.audit.close();
  }

  async #known(runId: string): Promise<{ readonly planName: string }> {
    const run = this.engine.run(runId);
    if (run !== undefined) return run.snapshot();
    const stored = await this.journal.read(runId);
    if (stored === undefined) throw unknownRun(runId);
    return { planName: stored.header.document.name };
  }

  async #stored(runId: string): Promise<StoredRun | undefined> {
    const looked = { read: (id: string) => this.journal.read(id), list: () => this.#list.all() };
    return await readStoredRun(looked, runId, this.clock);
  }

  /** The run, when this engine has it or can take it up; undefined when it is another engine's. */
  async #ours(runId: string): Promise<Run | undefined> {
    try {
      return await this.engine.find(runId);
    } catch (error) {
      if (error instanceof BelayError && error.code === "FENCED") return undefined;
      throw error;
    }
  }

  async #askOther(runId: string, request: VerbRequest): Promise<RunSnapshot> {
    const requestId = request.requestId ?? crypto.randomUUID();
    const { verb, requestId: _, ...options } = request;
    const args: Json[] = takesNode(request) ? [request.node, without(options, "node")] : [without(options)];
    await this.journal.ask({ requestId, runId, verb, args, at: this.clock.now() });
    const patience = AbortSignal.timeout(OTHER_ENGINE_MS);
    while (!patience.aborted) {
      const answer = await this.journal.answerTo(requestId);
      if (answer?.ok === false) throw new BelayError(answer.code as BelayError["code"], answer.message, { requestId });
      if (answer !== undefined) {
        if (request.requestId !== undefined) await this.#checkCarriedOut(runId, verb, request.requestId);
        return (await this.snapshot(runId)) as RunSnapshot;
      }
      await sleep(LOOK_MS);
    }
    const text = `run ${runId} belongs to another engine, which has not answered within ${OTHER_ENGINE_MS / 1000} s; request ${requestId} stays`;
    throw new BelayError("FENCED", text, { requestId });
  }

  /** A journal answers for a request id that it knows, whatever that was used for: another run, or another verb. */
  async #checkCarriedOut(runId: string, verb: VerbRequest["verb"], requestId: string): Promise<void> {
    const trail = await auditTrail(this.journal, runId);
    if (trail.some((entry) => entry.requestId === requestId && entry.verb === verb)) return;
    const text = `request id "${requestId}" was used for another request; use a new one`;
    throw new BelayError("IDEMPOTENT_PARAMETER_MISMATCH", text, { requestId });
  }

  async #audited<T>(
    about: Partial<AuditEvent> & Pick<AuditEvent, "action">,
    { principal, surface, remote, requestId }: Asker,
    work: (event: { -readonly [K in keyof AuditEvent]: AuditEvent[K] }) => Promise<T>,
  ): Promise<T> {
    const at = new Date(this.clock.now()).toISOString();
    const rest = { runId: null, plan: null, node: null, why: null, ...about };
    const event = { at, who: principal.name, surface, remote, requestId, outcome: "ok", ...rest };
    try {
      return await work(event);
    } catch (error) {
      event.outcome = outcomeOf(error);
      throw error;
    } finally {
      this.#list.changed();
      this.audit.add(event);
    }
  }
}

function checkMay(principal: Principal, plan: string): void {
  if (may(principal, "steer", plan)) return;
  throw new BelayError("FORBIDDEN", `${principal.name} (${principal.role}) may not start or steer runs of ${plan}`, {
    role: principal.role,
    plan,
  });
}

/** What stands for a reason that may hold a secret; the run's own trail has it, without the secret (R46). */
const WITH_THE_RUN = "[kept with the run]";

/** The reason as the audit log may keep it: only a run knows its secrets, and this log is no part of any run. */
function whyOf(plan: Plan | undefined, why: string | undefined): string | null {
  if (why === undefined) return null;
  return plan === undefined || JSON.stringify(plan.document.params ?? {}).includes('"x-secret"') ? WITH_THE_RUN : why;
}

/** The code of a refusal; that of an API's own too, which has one like `BelayError`. */
function outcomeOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === "string" ? code : "INTERNAL";
}

function unknownRun(runId: string): BelayError {
  return new BelayError("NOT_FOUND", `there is no run ${runId}`, { runId });
}

type NodeVerb = Extract<VerbRequest, { readonly verb: "skip" | "signal" | "skipRollback" | "approve" | "reject" }>;

/** Whether the verb's node is an argument of its own. */
function takesNode(request: VerbRequest): request is NodeVerb {
  return ["skip", "signal", "skipRollback", "approve", "reject"].includes(request.verb);
}

function without(options: object, name?: string): { readonly [key: string]: Json } {
  const kept = Object.entries(options).filter(([key, value]) => key !== name && value !== undefined);
  return Object.fromEntries(kept) as { readonly [key: string]: Json };
}

/** The verb by the name of its method. */
async function callVerb(run: Run, { verb, ...options }: VerbRequest): Promise<RunSnapshot> {
  const request = { verb, ...options } as VerbRequest;
  const method = run[verb] as unknown as (...args: unknown[]) => Promise<RunSnapshot>;
  if (!takesNode(request)) return await method.call(run, without(options));
  return await method.call(run, request.node, without(options, "node"));
}
