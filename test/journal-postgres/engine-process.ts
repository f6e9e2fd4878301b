/**
 * A process with an engine on a PostgreSQL journal (`two-engines.test.ts`). Arguments: its name, and "start" or "wait". It tells
 * on standard output, one JSON object a line, what its actions are called for, with the fencing token, what it hears of the
 * run, and when it lets go; the end of standard input closes the engine.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createEngine, definePlan, type Run } from "@belay/engine";
import { openPostgresJournal, type PostgresJournalOptions } from "@belay/engine/postgres";
import { CHAIN, STEP_MS } from "./two-engines-plan.ts";

const [name = "", what = "wait"] = process.argv.slice(2);

function tell(event: string, details: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, engine: name, ...details })}\n`);
}

const engine = await createEngine({
  journal: openPostgresJournal(JSON.parse(process.env["JOURNAL"] ?? "{}") as PostgresJournalOptions),
  actions: {
    step: {
      idempotent: true,
      run: async ({ nodeId, attempt, fencingTokens, signal }) => {
        tell("called", { nodeId, attempt, token: fencingTokens["cluster"] });
        await sleep(STEP_MS, undefined, { signal }).catch(() => tell("aborted", { nodeId, attempt }));
        signal.throwIfAborted();
      },
    },
  },
});
tell("open");
if (what === "start") watch(await engine.start(definePlan(CHAIN), { runId: "r" }));
else void waitForRun();
process.stdin.resume();
process.stdin.once("end", () => void engine.close());

function watch(run: Run): void {
  run.on("node:succeeded", ({ nodeId }) => tell("succeeded", { nodeId }));
  run.on("run:fault", ({ code }) => tell("fault", { code }));
  run.on("run:succeeded", () => tell("ended"));
}

async function waitForRun(): Promise<void> {
  for (;;) {
    const run = engine.run("r");
    if (run !== undefined) {
      tell("taken");
      watch(run);
      const { status } = await run.settled();
      tell("rests", { status });
      return;
    }
    await sleep(10);
  }
}
