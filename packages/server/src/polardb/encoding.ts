/**
 * Parameters on the wire. Owns: decoding query and form, and the one encoding that signatures are computed over (RFC 3986). Clients encode
 * differently (some leave `* ' ( ) !` as they are, some write a blank as `+`): what came is decoded and encoded anew before it is signed.
 */
import { invalid, refused } from "./api-fault.ts";

/** Name and value, decoded. */
export type Pair = readonly [name: string, value: string];

/** More parameters than this are no request of any client; sorting them would be work that anybody could ask for. */
const MOST_PAIRS = 500;

/** The pairs of a query or a form, in their order. Refuses what is no UTF-8, and too many. */
export function decodePairs(text: string): readonly Pair[] {
  const parts = text.split("&", MOST_PAIRS + 1).filter((part) => part !== "");
  if (parts.length > MOST_PAIRS) throw refused("Unreadable");
  return parts.map((part) => {
    const place = part.indexOf("=");
    if (place < 0) return [decode(part), ""];
    return [decode(part.slice(0, place)), decode(part.slice(place + 1))];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw refused("Unreadable");
  }
}

/** All pairs by name. A name that is there twice is refused: what was signed and what is carried out must be the same. */
export function byName(pairs: readonly Pair[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (found.has(name)) throw invalid(name);
    found.set(name, value);
  }
  return found;
}

/** RFC 3986: all but letters, digits and `- _ . ~` in upper-case hex. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** What both signature styles are computed over: sorted by the bytes of the names, encoded, joined. */
export function canonicalQuery(pairs: Iterable<Pair>): string {
  const sorted = [...pairs].map((pair): readonly [Buffer, Pair] => [Buffer.from(pair[0]), pair]);
  sorted.sort(([a], [b]) => Buffer.compare(a, b));
  return sorted.map(([, [name, value]]) => `${percentEncode(name)}=${percentEncode(value)}`).join("&");
}
