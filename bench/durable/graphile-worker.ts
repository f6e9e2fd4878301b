/**
 * graphile-worker as a contender: a job per step. Its code notes the step as done and adds the job of the next one, in one
 * statement and so in one transaction; a chain is over when its last step is noted, whose job may be taken off the queue
 * a moment later. Settings as in the library's page about performance: 24 jobs at once, the local queue, completions
 * in batches. It did worse here without the last two.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, type Place, peer, type Step } from "./contender.ts";
import { type Database, openDatabase } from "./postgres-session.ts";
import { chainName, type StoredChain } from "./workload.ts";

/** What is used of the package. */
interface GraphileWorker {
  readonly Logger: new (factory: () => () => void) => object;
  run(options: Readonly<Record<string, unknown>>): Promise<Runner>;
}
interface Runner {
  addJob(identifier: string, payload: StepPayload): Promise<unknown>;
  stop(): Promise<void>;
}
interface StepPayload {
  readonly chain: string;
  readonly index: number;
  readonly steps: number;
}
interface JobHelpers {
  withPgClient<T>(
    work: (client: { query(config: Readonly<Record<string, unknown>>): Promise<T> }) => Promise<T>,
  ): Promise<T>;
}

const WORKER = { concurrentJobs: 24, maxPoolSize: 25, localQueue: { size: 500 }, completeJobBatchDelay: 0 };

const NOTE = "insert into noted (chain, step) values ($1, $2)";
const NOTE_AND_GO_ON = `with done as (${NOTE})
select graphile_worker.add_job('step', json_build_object('chain', $1::text, 'index', $2::int + 1, 'steps', $3::int))`;

export async function openGraphileWorker({ postgres }: Place): Promise<Contender> {
  const { Logger, run } = await peer<GraphileWorker>("graphile-worker");
  const database = await openDatabase(postgres);
  await database.query(
    "create table noted (place bigserial, chain text not null, step int not null, primary key (chain, step))",
  );
  const played = new Map<string, { readonly step: Step; readonly over: () => void }>();
  const step = async ({ chain, index, steps }: StepPayload, { withPgClient }: JobHelpers): Promise<void> => {
    const one = played.get(chain);
    if (one === undefined) throw new Error(`a job of ${chain}, which is over`);
    one.step(chain, index);
    const last = index === steps - 1;
    const statement = last
      ? { name: "note", text: NOTE, values: [chain, index] }
      : { name: "note-and-go-on", text: NOTE_AND_GO_ON, values: [chain, index, steps] };
    await withPgClient((client) => client.query(statement));
    if (last) one.over();
  };
  const runner = await run({
    preset: { worker: { ...WORKER, connectionString: database.url, logger: new Logger(() => () => undefined) } },
    taskList: { step },
    noHandleSignals: true,
  });
  return {
    settings: `${database.settings}, ${JSON.stringify(WORKER)}`,
    async play(chain, steps, code) {
      const over = new Promise<void>((resolve) => {
        played.set(chain, { step: code, over: resolve });
      });
      await runner.addJob("step", { chain, index: 0, steps });
      await over;
      played.delete(chain);
    },
    stored: async (work) =>
      await storedSteps(
        database,
        Array.from({ length: work.chains }, (_, i) => chainName(work, i)),
      ),
    async close() {
      await runner.stop();
      await database.end();
    },
  };
}

async function storedSteps({ query }: Database, names: readonly string[]): Promise<ReadonlyMap<string, StoredChain>> {
  // The completion of the last jobs is in a batch that may still be under way.
  for (let tries = 0; ; tries++) {
    const left = await query("select id from graphile_worker.jobs");
    if (left.length === 0) break;
    if (tries === 100) throw new Error(`${left.length} jobs are left in the queue`);
    await sleep(50);
  }
  const rows = await query<{ chain: string; steps: number[] }>(
    "select chain, array_agg(step order by place) as steps from noted where chain = any($1) group by chain",
    [names],
  );
  return new Map(rows.map(({ chain, steps }) => [chain, { ended: true, steps }]));
}
