/**
 * Log sequence numbers: positions in the WAL. PostgreSQL prints them as two hexadecimal halves, "16/B374D848"; as numbers they are
 * 64 bits wide, so they are BigInt here and text in everything that is journaled.
 */
import { BelayError } from "@belay/engine";

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

/** The position as a number of bytes from the start of the WAL. INVALID_ARGUMENT when the text is no LSN. */
export function parseLsn(text: string): bigint {
  const match = LSN.exec(text);
  if (!match) throw new BelayError("INVALID_ARGUMENT", `"${text}" is not an LSN such as "16/B374D848"`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** The position as PostgreSQL prints it. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

/** Negative when `a` is before `b`, 0 when equal, positive when after. */
export function compareLsn(a: string, b: string): number {
  const [left, right] = [parseLsn(a), parseLsn(b)];
  return left < right ? -1 : Number(left > right);
}

/** The most advanced of the positions that are known; undefined when none is. */
export function maxLsn(...lsns: readonly (string | null | undefined)[]): string | undefined {
  let max: string | undefined;
  for (const lsn of lsns) {
    if (lsn !== null && lsn !== undefined && (max === undefined || compareLsn(lsn, max) > 0)) max = lsn;
  }
  return max;
}

/** Bytes from `from` up to `to`; 0 when `to` is not ahead. Exact up to 2^53. */
export function bytesBehind(from: string, to: string): number {
  const gap = parseLsn(to) - parseLsn(from);
  return gap > 0n ? Number(gap) : 0;
}
