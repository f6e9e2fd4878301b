/**
 * Timeline history: where each former timeline ended when a promotion began the next one. Read from the file that PostgreSQL itself
 * writes at a promotion, because it is the only authority on the fork.
 */
import { parseLsn } from "./lsn.ts";

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

/** Compares the end of a node's WAL with the fork at which the writer left that node's timeline. */
export function divergence(
  node: { readonly timeline: number; readonly endLsn: string },
  writer: { readonly timeline: number; readonly forks: readonly Fork[] },
): Divergence {
  if (node.timeline === writer.timeline) return { kind: "shared" };
  const fork = writer.forks.find(({ timeline }) => timeline === node.timeline);
  if (fork === undefined) return { kind: "foreign" };
  const beyond = parseLsn(node.endLsn) - parseLsn(fork.forkLsn);
  return beyond > 0n ? { kind: "diverged", bytes: Number(beyond) } : { kind: "shared" };
}
