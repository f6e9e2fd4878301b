/**
 * The process of one entrant in one bout: opens it, checks it, warms it, measures rounds when it is told to, and ends with its
 * parent. Owns: both sides of the messages between the two, in order, one at a time.
 *
 * Nobody's sources are stripped of their types in such a process: the stripper is WebAssembly, whose memory grows, and from then on
 * every access to any typed array first asks whether its memory is gone. Users run compiled code, and so does everybody here.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Sample, Subject } from "./contender.ts";
import { type Entrant, entrantOf } from "./entrants.ts";
import { caseOf, type Workload, workloadOf } from "./workload.ts";

type Order = { readonly kind: "open" | "check" | "build" | "warm" | "sample" | "end" };

type Report =
  | { readonly kind: "done"; readonly sample: Sample }
  | { readonly kind: "failed"; readonly message: string };

/** Of all: a collector to call, and room for graphs of a million nodes. */
const FLAGS = ["--expose-gc", "--max-old-space-size=12288"];
/** Longer than any order takes: who takes longer hangs. */
const ORDER_MS = 15 * 60_000;
/** How long a process may take to end before it is killed. */
const END_MS = 10_000;

/** An entrant in a process of its own. */
export class ContenderProcess {
  readonly entrant: Entrant;
  readonly #child: ChildProcess;

  /** `flags` of Node are for Belay's own processes, whose code may be profiled. */
  constructor(entrant: Entrant, workload: Workload, flags: readonly string[] = []) {
    this.entrant = entrant;
    const execArgv = [...FLAGS, ...(entrant.flags ?? []), ...(entrant.kind === "belay" ? flags : [])];
    this.#child = fork(fileURLToPath(import.meta.url), [entrant.name, workload.name], { execArgv });
  }

  /** Makes its graph. Answers `nodes` and `edges`. */
  open(): Promise<Sample> {
    return this.#ask({ kind: "open" });
  }

  /** `Subject.check`. */
  check(): Promise<Sample> {
    return this.#ask({ kind: "check" });
  }

  /** `Subject.build`; nothing when it has none. */
  build(): Promise<Sample> {
    return this.#ask({ kind: "build" });
  }

  /** `Subject.warm`. */
  async warm(): Promise<void> {
    await this.#ask({ kind: "warm" });
  }

  /** `Subject.sample`. */
  sample(): Promise<Sample> {
    return this.#ask({ kind: "sample" });
  }

  /** Ends the process, whatever it does. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    const exit = once(child, "exit");
    if (child.connected) child.send({ kind: "end" } satisfies Order, () => undefined);
    await exit;
    clearTimeout(timer);
  }

  async #ask(order: Order): Promise<Sample> {
    const child = this.#child;
    const { name } = this.entrant;
    const over = new AbortController();
    const timer = setTimeout(() => child.kill("SIGKILL"), ORDER_MS);
    const answer = once(child, "message", { signal: over.signal });
    const exit = once(child, "exit", { signal: over.signal }).then(([code, signal]) => {
      throw new Error(`the process of ${name} ended (${signal ?? code})`);
    });
    try {
      child.send(order);
      const [report] = (await Promise.race([answer, exit])) as [Report];
      if (report.kind === "failed") throw new Error(`${name}: ${report.message}`);
      return report.sample;
    } finally {
      clearTimeout(timer);
      over.abort();
      answer.catch(() => undefined);
      exit.catch(() => undefined);
    }
  }
}

/** The child's side. */
function serve(entrant: Entrant, workload: Workload, send: (report: Report, sent: () => void) => void): void {
  let subject: Subject | undefined;
  const obey = async (order: Order): Promise<Sample> => {
    if (order.kind === "open") {
      const given = caseOf(workload);
      subject = await entrant.open(given);
      return { nodes: given.size, edges: given.edges };
    }
    if (subject === undefined || order.kind === "end") return {};
    if (order.kind === "check") return await subject.check();
    if (order.kind === "build") return (await subject.build?.()) ?? {};
    if (order.kind === "sample") return await subject.sample();
    await subject.warm();
    return {};
  };
  process.on("message", (order: Order) => {
    // An exit of its own accord, so that profiles are written.
    if (order.kind === "end") process.exit(0);
    void obey(order).then(
      (sample) => send({ kind: "done", sample }, () => undefined),
      (error: unknown) =>
        send({ kind: "failed", message: (error as Error).stack ?? String(error) }, () => process.exit(1)),
    );
  });
  // The parent is gone.
  process.once("disconnect", () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = "", workload = ""] = process.argv.slice(2);
  if (process.send === undefined) throw new Error("started by the benchmark only");
  serve(entrantOf(name), workloadOf(workload), (report, sent) => process.send?.(report, sent));
}
