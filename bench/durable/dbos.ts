/**
 * DBOS as a contender: a chain is a workflow function that awaits one `runStep` after the other, started directly, since its
 * queues only add a poll before the start. Pools of 10 and 20 did the same here, one of 40 did worse.
 */
import { type Contender, type Place, peer, type Step } from "./contender.ts";
import { openDatabase } from "./postgres-session.ts";
import { chainName, type StoredChain } from "./workload.ts";

/** What is used of the package. */
interface Dbos {
  readonly DBOS: {
    setConfig(config: Readonly<Record<string, unknown>>): void;
    launch(): Promise<void>;
    shutdown(): Promise<void>;
    registerWorkflow(work: Workflow, options: { readonly name: string }): Workflow;
    startWorkflow(work: Workflow, options: { readonly workflowID: string }): (...args: Parameters<Workflow>) => Handle;
    runStep(work: () => Promise<void>, options: { readonly name: string }): Promise<void>;
  };
}
type Workflow = (chain: string, steps: number) => Promise<void>;
type Handle = Promise<{ getResult(): Promise<void> }>;

const POOL = 20;

export async function openDbos({ postgres }: Place): Promise<Contender> {
  const { DBOS } = await peer<Dbos>("@dbos-inc/dbos-sdk");
  const { url, settings, query, end } = await openDatabase(postgres);
  const played = new Map<string, Step>();
  const run = DBOS.registerWorkflow(
    async (chain, steps) => {
      const step = played.get(chain) as Step;
      for (let index = 0; index < steps; index++) await DBOS.runStep(async () => step(chain, index), { name: "noop" });
    },
    { name: "chain" },
  );
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, systemDatabasePoolSize: POOL, logLevel: "error" });
  await DBOS.launch();
  return {
    settings: `${settings}, pool of ${POOL}`,
    async play(chain, steps, step) {
      played.set(chain, step);
      const handle = await DBOS.startWorkflow(run, { workflowID: chain })(chain, steps);
      await handle.getResult();
      played.delete(chain);
    },
    async stored(work) {
      const stored = new Map<string, StoredChain>();
      const names = Array.from({ length: work.chains }, (_, index) => chainName(work, index));
      const rows = await query<{ name: string; status: string; steps: number[] | null }>(
        `select w.workflow_uuid as name, w.status, (
           select array_agg(o.function_id order by o.completed_at_epoch_ms, o.function_id)
           from dbos.operation_outputs o where o.workflow_uuid = w.workflow_uuid and o.error is null) as steps
         from dbos.workflow_status w where w.workflow_uuid = any($1)`,
        [names],
      );
      for (const { name, status, steps } of rows) stored.set(name, { ended: status === "SUCCESS", steps: steps ?? [] });
      return stored;
    },
    async close() {
      await DBOS.shutdown();
      await end();
    },
  };
}
