/**
 * The process of one contender: opens it, runs work when it is told to, reads the results back, and ends with its parent.
 * Owns: both sides of the messages between the two, in order, one at a time.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Contender, Missing, type Place } from "./contender.ts";
import { ENTRANTS, type Entrant } from "./entrants.ts";
import { checkStored, type Times, Witness, type Work } from "./workload.ts";

type Order =
  | { readonly kind: "open"; readonly place: Place }
  | { readonly kind: "work"; readonly work: Work }
  | { readonly kind: "close" };

type Report =
  | { readonly kind: "opened"; readonly settings: string }
  | { readonly kind: "done"; readonly times: Times }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly missing: boolean; readonly message: string };

/** How long a contender may take to end before it is killed. */
const END_TIMEOUT_MS = 10_000;

/** A contender in a process of its own. */
export class ContenderProcess {
  readonly entrant: Entrant;
  /** `Contender.settings`; empty until it is open. */
  settings = "";
  readonly #child: ChildProcess;

  /** `flags` of Node are for Belay's own contenders, whose code may be profiled. */
  constructor(entrant: Entrant, flags: readonly string[] = []) {
    this.entrant = entrant;
    const execArgv = [
      "--disable-warning=ExperimentalWarning",
      ...(entrant.own ? ["--conditions=source", ...flags] : []),
    ];
    // From the folder where the peers are installed; their packages are not ours to resolve as sources.
    this.#child = fork(fileURLToPath(import.meta.url), [entrant.name], { execArgv, serialization: "advanced" });
  }

  /** Fails with `Missing` when something of it is not installed. */
  async open(place: Place): Promise<void> {
    const report = await this.#ask({ kind: "open", place });
    if (report.kind === "opened") this.settings = report.settings;
  }

  /** Does the work and reads it back from the store. Fails when a step is missing, was done twice, or not in order. */
  async work(work: Work): Promise<Times> {
    const report = await this.#ask({ kind: "work", work });
    if (report.kind !== "done") throw new Error(`${this.entrant.name} answered ${report.kind}`);
    return report.times;
  }

  /** Ends the process, whatever it does. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
    const exit = once(child, "exit");
    if (child.connected) child.send({ kind: "close" } satisfies Order, () => undefined);
    await exit;
    clearTimeout(timer);
  }

  async #ask(order: Order): Promise<Report> {
    const child = this.#child;
    const ended = new AbortController();
    const answer = once(child, "message", { signal: ended.signal });
    const exit = once(child, "exit", { signal: ended.signal }).then(([code, signal]) => {
      throw new Error(`the process of ${this.entrant.name} ended (${signal ?? code})`);
    });
    try {
      child.send(order);
      const [report] = (await Promise.race([answer, exit])) as [Report];
      if (report.kind !== "failed") return report;
      const text = `${this.entrant.name}: ${report.message}`;
      throw report.missing ? new Missing(report.message) : new Error(text);
    } finally {
      ended.abort();
      answer.catch(() => undefined);
      exit.catch(() => undefined);
    }
  }
}

/** The child's side. */
function serve(entrant: Entrant, send: (report: Report, sent: () => void) => void): void {
  let contender: Contender | undefined;
  const obey = async (order: Order): Promise<Report> => {
    if (order.kind === "open") {
      contender = await (await entrant.load())(order.place);
      return { kind: "opened", settings: contender.settings };
    }
    if (order.kind === "close" || contender === undefined) {
      await contender?.close();
      return { kind: "closed" };
    }
    const { work } = order;
    const { play } = contender;
    const witness = new Witness(work);
    const step = witness.step.bind(witness);
    const times = await witness.run((chain) => play(chain, work.steps, step));
    checkStored(work, await contender.stored(work));
    return { kind: "done", times };
  };
  process.on("message", (order: Order) => {
    void obey(order).then(
      (report) => send(report, () => order.kind === "close" && process.disconnect()),
      // What failed may be in any state: its process ends here, and what it has started with it.
      (error: unknown) => send(failed(error), () => process.exit(1)),
    );
  });
  // The parent is gone, or has heard that all is closed.
  process.once("disconnect", () => process.exit());
}

function failed(error: unknown): Report {
  const missing = error instanceof Missing;
  const message = error instanceof Error && !missing ? String(error.stack) : String((error as Error).message ?? error);
  return { kind: "failed", missing, message };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const entrant = ENTRANTS.find(({ name }) => name === process.argv[2]);
  if (entrant === undefined || process.send === undefined) throw new Error("started by bench/durable/main.ts only");
  serve(entrant, (report, sent) => process.send?.(report, sent));
}
