/**
 * What the servers say of themselves, as a PolarDB cluster. Reads only. Two servers that take writes are no cluster that may be described:
 * whoever asks is refused, so that nothing is ever built on it.
 */
import type { ServerStatus } from "../postgres/status.ts";
import { messageOf, pause, refuse } from "../step/wait.ts";
import { type PolarCluster, type PolarNode, writerOf } from "./cluster.ts";
import type { PolarCall } from "./control.ts";
import type { PostgresMember, PostgresSite } from "./postgres-site.ts";

interface Answer {
  readonly member: PostgresMember;
  /** undefined: it did not answer. */
  readonly status: ServerStatus | undefined;
}

const ASK_AGAIN_MS = 100;

/** Describes; a reader that does not stream from a living writer is looked at again, it may just be connecting. Code: TWO_WRITERS. */
export async function describe(site: PostgresSite, call: PolarCall): Promise<PolarCluster> {
  const startedAt = performance.now();
  for (;;) {
    const cluster = await describeOnce(site, call);
    const settled = writerOf(cluster)?.problem !== null || cluster.nodes.every(({ problem }) => problem === null);
    if (settled || performance.now() - startedAt > site.streamPatienceMs) return cluster;
    await pause(ASK_AGAIN_MS, call.signal);
  }
}

async function describeOnce(site: PostgresSite, call: PolarCall): Promise<PolarCluster> {
  const { clusterId, engine = "PostgreSQL", members, writer: first } = site.options;
  const answers = await Promise.all(members.map((member) => ask(site, member, call)));
  const writing = answers.filter(({ status }) => status?.inRecovery === false);
  if (writing.length > 1) {
    const names = writing.map(({ member }) => member.nodeId).join(" and ");
    refuse("TWO_WRITERS", `${names} take writes at once: find out which one the clients use before anything else`);
  }
  const record = await site.records.read(clusterId);
  const writer = writing[0]?.member.nodeId ?? record.writer ?? first;
  const generation = Math.max(0, ...answers.map(({ status }) => status?.timeline ?? 0));
  return {
    clusterId,
    engine,
    status: record.status,
    markedBy: record.markedBy ?? null,
    lockMode: "Unlock",
    nodes: answers.map((answer) => nodeOf(answer, writer, writing[0]?.status, generation)),
    generation: writing[0]?.status?.timeline ?? generation,
  };
}

async function ask(site: PostgresSite, member: PostgresMember, call: PolarCall): Promise<Answer> {
  try {
    return { member, status: await site.access.status(member.server, call) };
  } catch (error) {
    call.signal.throwIfAborted();
    call.log(`${member.server} does not answer: ${messageOf(error)}`);
    return { member, status: undefined };
  }
}

function nodeOf(
  { member, status }: Answer,
  writer: string,
  primary: ServerStatus | undefined,
  generation: number,
): PolarNode {
  const { nodeId, failoverPriority, zoneId = "zone-a", hotReplicaMode = "OFF", imciSwitch = "OFF" } = member;
  const role = nodeId === writer ? "Writer" : "Reader";
  const problem = role === "Writer" ? writerProblem(status) : readerProblem(status, primary, generation);
  return { nodeId, role, status: "Running", failoverPriority, hotReplicaMode, imciSwitch, zoneId, problem };
}

function writerProblem(status: ServerStatus | undefined): string | null {
  if (status === undefined) return "does not answer";
  return status.inRecovery ? "takes no writes: it was fenced" : null;
}

/** Without a writer nobody streams: then a reader must have WAL of the newest timeline. */
function readerProblem(
  status: ServerStatus | undefined,
  primary: ServerStatus | undefined,
  generation: number,
): string | null {
  if (status === undefined) return "does not answer";
  if (status.readOnlyByDefault) return "has default_transaction_read_only on and would refuse writes as the writer";
  if (primary === undefined)
    return status.timeline === generation ? null : `is on timeline ${status.timeline}, not ${generation}`;
  if (status.systemIdentifier !== primary.systemIdentifier) return "belongs to another cluster";
  const streams = status.walReceiver === "streaming" && status.receivedTimeline === primary.timeline;
  return streams ? null : "does not stream from the writer";
}
