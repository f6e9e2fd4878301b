/**
 * Timeline history: where each former timeline ended when a promotion began the next one. Read from the file that PostgreSQL itself
 * writes at a promotion, because it is the only authority on the fork.
 */
import { compareLsn, parseLsn } from "./lsn.ts";

/** One line of a history file: `timeline` was left at `forkLsn`. */
export interface Fork {
  readonly timeline: number;
  /** End of the WAL that the next timeline shares with this one. */
  readonly forkLsn: string;
}

/** Name of the history file of a timeline: 10 is "0000000A.history". */
export function historyFile(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, "0")}.history`;
}

/** The forks a history file lists, oldest first. Comments and lines that are no forks are passed over. */
export function parseHistory(text: string): readonly Fork[] {
  const forks: Fork[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) {
      forks.push({ timeline: Number(match[1]), forkLsn: match[2] });
    }
  }
  return forks;
}

/** How the WAL of a former member of the cluster relates to that of the writer. */
export type Divergence =
  /** It can follow the writer as it is. */
  | { readonly kind: "shared" }
  /** It holds `bytes` of WAL that the writer never had. */
  | { readonly kind: "diverged"; readonly bytes: number }
  /** Its timeline is not an ancestor of the writer's. */
  | { readonly kind: "foreign" };

/** A server's place in the tree of timelines. */
export interface Branch {
  readonly timeline: number;
  /** How it came there; empty on timeline 1, and where its history file is missing. */
  readonly forks: readonly Fork[];
}

/**
 * Compares the end of a node's WAL with the point where the writer left what they share. Two servers that were promoted from one
 * timeline at different positions give their branches the same number: the numbers agree then, the histories do not.
 */
export function divergence(node: Branch & { readonly endLsn: string }, writer: Branch): Divergence {
  const generation = [...writer.forks.map(({ timeline }) => timeline), writer.timeline].indexOf(node.timeline);
  if (generation < 0) return { kind: "foreign" };
  const parting = node.forks.length === 0 ? undefined : partingOf(node.forks, writer.forks, generation);
  const forkLsn = parting ?? writer.forks[generation]?.forkLsn;
  if (forkLsn === undefined) return { kind: "shared" };
  const beyond = parseLsn(node.endLsn) - parseLsn(forkLsn);
  return beyond > 0n ? { kind: "diverged", bytes: Number(beyond) } : { kind: "shared" };
}

/** Where the node's history parts from the first `generation` forks of the writer's; undefined when it does not. */
function partingOf(node: readonly Fork[], writer: readonly Fork[], generation: number): string | undefined {
  const at = [...node.keys(), node.length].find((n) => {
    const [mine, theirs] = [node[n], n < generation ? writer[n] : undefined];
    return mine?.timeline !== theirs?.timeline || mine?.forkLsn !== theirs?.forkLsn;
  });
  if (at === undefined) return undefined;
  const [mine, theirs] = [node[at], writer[at]];
  if (mine === undefined || mine.timeline !== theirs?.timeline) return node[at - 1]?.forkLsn ?? "0/0";
  return compareLsn(mine.forkLsn, theirs.forkLsn) < 0 ? mine.forkLsn : theirs.forkLsn;
}
