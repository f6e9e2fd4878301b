/**
 * MariaDB's GTIDs: `domain-server-sequence`. A position names the last one of each domain, a binlog state the last one of each server in
 * each domain; within a domain the sequence only grows. Pure.
 */

/** One GTID. */
export interface Gtid {
  readonly domain: string;
  readonly server: string;
  readonly sequence: number;
}

/** Reads a position or a binlog state: "0-1-42,1-2-7"; "" is nothing. Throws on what is neither. */
export function parseGtids(text: string): readonly Gtid[] {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return parts.map((part) => {
    const [, domain, server, sequence] = /^(\d+)-(\d+)-(\d+)$/.exec(part) ?? [];
    if (domain === undefined || server === undefined || sequence === undefined) throw new Error(`no GTID: "${part}"`);
    return { domain, server, sequence: Number(sequence) };
  });
}

/** The highest sequence of a domain; 0 when it is not there. */
export function sequenceIn(text: string, domain: string): number {
  return Math.max(0, ...parseGtids(text).flatMap((gtid) => (gtid.domain === domain ? [gtid.sequence] : [])));
}

/** How many transactions of `whole` come after `part`, over all domains. An upper bound: sequences may have gaps. */
export function missingTransactions(part: string, whole: string): number {
  const domains = new Set(parseGtids(whole).map(({ domain }) => domain));
  let missing = 0;
  for (const domain of domains) missing += Math.max(0, sequenceIn(whole, domain) - sequenceIn(part, domain));
  return missing;
}

/** The later GTID of each domain, in the domains' order. */
export function unionOfPositions(a: string, b: string): string {
  const latest = new Map<string, Gtid>();
  for (const gtid of [...parseGtids(a), ...parseGtids(b)]) {
    const known = latest.get(gtid.domain);
    if (known === undefined || known.sequence < gtid.sequence) latest.set(gtid.domain, gtid);
  }
  return [...latest.values()]
    .sort((x, y) => Number(x.domain) - Number(y.domain))
    .map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`)
    .join(",");
}
