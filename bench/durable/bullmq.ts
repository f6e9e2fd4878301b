/**
 * What the two BullMQ contenders share: the server, one worker for all steps, and what the store says afterwards. Owns: the
 * part of the package that is used. Does not own: how the steps of a chain follow each other.
 */
import { type Place, peer, type Step } from "./contender.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { chainName, type StoredChain, type Work } from "./workload.ts";

/** What is used of the package. */
export interface BullMq {
  readonly Queue: new (name: string, options: Options) => Queue;
  readonly Worker: new (name: string, work: (job: Job) => Promise<void>, options: Options) => Worker;
  readonly FlowProducer: new (options: Options) => FlowProducer;
}
interface IoRedis {
  readonly Redis: new (
    options: Options,
  ) => {
    config(verb: "GET", name: string): Promise<readonly string[]>;
    disconnect(): void;
  };
}
export interface Queue {
  add(name: string, data: StepData, options: { readonly jobId: string }): Promise<unknown>;
  getJobs(states: readonly string[], start: number, end: number): Promise<readonly Job[]>;
  getJobCounts(): Promise<Readonly<Record<string, number>>>;
  obliterate(): Promise<void>;
  close(): Promise<void>;
}
interface Worker {
  on(event: "completed", heard: (job: Job) => void): void;
  on(event: "failed" | "error", heard: (one: unknown, error?: Error) => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}
export interface FlowProducer {
  add(flow: Flow): Promise<unknown>;
  close(): Promise<void>;
}
export interface Flow {
  readonly name: string;
  readonly queueName: string;
  readonly data: StepData;
  readonly opts: { readonly jobId: string };
  readonly children?: readonly Flow[];
}
export interface Job {
  readonly data: StepData;
  readonly attemptsMade: number;
  readonly processedOn: number;
}
export interface StepData {
  readonly chain: string;
  readonly index: number;
  readonly steps: number;
}
type Options = Readonly<Record<string, unknown>>;

/** Name of the one queue. */
export const QUEUE = "steps";
/** Jobs of the worker at once: every chain has one. */
const CONCURRENCY = 100;

/** Server, queue and worker, at work. */
export interface BullSteps {
  readonly bull: BullMq;
  readonly connection: Options;
  readonly queue: Queue;
  readonly settings: string;
  /** A chain whose steps call `step`; resolves when its last job is completed, which the server has answered. */
  over(chain: string, step: Step): Promise<void>;
  stored(work: Work): Promise<ReadonlyMap<string, StoredChain>>;
  close(): Promise<void>;
}

/** `after` runs in the job of each step, behind the step's code. */
export async function openBullSteps(
  { folder }: Place,
  after: (queue: Queue, data: StepData) => Promise<void>,
): Promise<BullSteps> {
  const bull = await peer<BullMq>("bullmq");
  const server: RedisServer = await startRedis(folder);
  const connection = { path: server.socket, maxRetriesPerRequest: null };
  const queue = new bull.Queue(QUEUE, { connection });
  const played = new Map<
    string,
    { readonly step: Step; readonly over: () => void; readonly fail: (error: unknown) => void }
  >();
  const work = async ({ data }: Job): Promise<void> => {
    played.get(data.chain)?.step(data.chain, data.index);
    await after(queue, data);
  };
  const worker = new bull.Worker(QUEUE, work, { connection, concurrency: CONCURRENCY });
  const failAll = (_one: unknown, error?: Error): void => {
    for (const { fail } of played.values()) fail(error ?? _one);
  };
  worker.on("failed", failAll);
  worker.on("error", failAll);
  worker.on("completed", ({ data }) => {
    if (data.index === data.steps - 1) played.get(data.chain)?.over();
  });
  await worker.waitUntilReady();
  return {
    bull,
    connection,
    queue,
    settings: `${await durabilityOf(server.socket)}, concurrency ${CONCURRENCY}, Unix socket`,
    async over(chain, step) {
      await new Promise<void>((resolve, reject) => {
        played.set(chain, { step, over: resolve, fail: reject });
      });
      played.delete(chain);
    },
    stored: async (asked) => await storedJobs(queue, asked),
    async close() {
      await worker.close();
      await queue.close();
      await server.stop();
    },
  };
}

async function durabilityOf(path: string): Promise<string> {
  const { Redis } = await peer<IoRedis>("ioredis");
  const client = new Redis({ path });
  const append = await client.config("GET", "appendonly");
  const sync = await client.config("GET", "appendfsync");
  client.disconnect();
  if (append[1] !== "yes" || sync[1] !== "always") throw new Error("redis-server does not sync what it answers");
  return "appendonly yes, appendfsync always";
}

/** Read, then removed: the next run begins with an empty queue. */
async function storedJobs(queue: Queue, work: Work): Promise<ReadonlyMap<string, StoredChain>> {
  const { completed, ...others } = await queue.getJobCounts();
  const left = Object.entries(others).filter(([, count]) => count > 0);
  if (left.length > 0 || completed !== work.chains * work.steps) {
    throw new Error(`the queue has ${completed} completed jobs, and ${JSON.stringify(left)}`);
  }
  const jobs = await queue.getJobs(["completed"], 0, -1);
  const byChain = new Map<string, Job[]>();
  for (const job of jobs) {
    if (job.attemptsMade !== 1) throw new Error(`a job of ${job.data.chain} was tried ${job.attemptsMade} times`);
    const known = byChain.get(job.data.chain);
    if (known === undefined) byChain.set(job.data.chain, [job]);
    else known.push(job);
  }
  await queue.obliterate();
  const stored = new Map<string, StoredChain>();
  for (let index = 0; index < work.chains; index++) {
    const name = chainName(work, index);
    // Times are milliseconds: jobs of the same one are told apart by the witness alone.
    const inOrder = (byChain.get(name) ?? []).toSorted(
      (a, b) => a.processedOn - b.processedOn || a.data.index - b.data.index,
    );
    stored.set(name, { ended: true, steps: inOrder.map(({ data }) => data.index) });
  }
  return stored;
}
