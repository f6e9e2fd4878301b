/**
 * Who sends wrong credentials, by address. Owns: after how many of them an address has to wait, and how long. Bounded: with too many
 * addresses the ones that guessed longest ago are forgotten. Of IPv6 a network of 64 bits counts as one address: whoever has one has all.
 */
import { isIP } from "node:net";

/** Wrong credentials of one address within the window that are only refused. */
const FREE = 20;
const WINDOW_MS = 60_000;
const MOST_ADDRESSES = 10_000;

/** See the head of this file. */
export class Guesses {
  readonly #now: () => number;
  readonly #byAddress = new Map<string, { count: number; since: number }>();

  /** `now` in milliseconds, from any clock that does not jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds until credentials of that address are looked at again; 0 = now. */
  wait(address: string): number {
    const whose = networkOf(address);
    const seen = this.#byAddress.get(whose);
    if (seen === undefined || seen.count < FREE) return 0;
    const left = seen.since + WINDOW_MS - this.#now();
    if (left > 0) return left;
    this.#byAddress.delete(whose);
    return 0;
  }

  /** Credentials of that address were wrong. */
  failed(address: string): void {
    const now = this.#now();
    const whose = networkOf(address);
    const seen = this.#byAddress.get(whose);
    this.#byAddress.delete(whose);
    const goesOn = seen !== undefined && now - seen.since < WINDOW_MS;
    this.#byAddress.set(whose, goesOn ? { ...seen, count: seen.count + 1 } : { count: 1, since: now });
    if (this.#byAddress.size <= MOST_ADDRESSES) return;
    const [oldest] = this.#byAddress.keys();
    if (oldest !== undefined) this.#byAddress.delete(oldest);
  }
}

/** The address itself; of IPv6 its first four groups. */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [, mapped] = /^::ffff:([0-9.]+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [left = "", right] = (address.split("%", 1)[0] ?? "").split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  // A last part in IPv4 stands for two groups.
  const known = head.length + tail.length + Number(address.includes("."));
  const groups = [...head, ...Array<string>(8 - known).fill("0"), ...tail].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
