/**
 * The secrets that a run and the runs around and inside it know, as texts, and finding them in others (R46). Owns: what counts
 * as found. A text of at least four characters is found anywhere, in each of its forms (`secret-forms.ts`); a shorter one, and a
 * number, only where it is the whole value. Cost: linear in the text that is searched, whatever the number of secrets.
 */
import type { Json } from "../plan/document.ts";
import { copyJson } from "../plan/json.ts";
import { formsOf, SHORTEST } from "./secret-forms.ts";

/** Stands in place of a secret. */
export const HIDDEN = "[secret]";

/** Forms that begin with the same four characters. */
interface Needles {
  /** Their lengths, longest first. */
  readonly lengths: number[];
  /** By form: the secret that it is a form of. */
  readonly texts: Map<string, string>;
}

/** From, to; which secret. */
type Found = (from: number, to: number, text: string) => void;

export class SecretTexts {
  /** Whether anything is secret: what is not asked for costs nothing. */
  any = false;
  readonly #whole = new Set<string>();
  /** By the first four characters of the form. */
  readonly #needles = new Map<number, Needles>();

  /** A secret from now on. Numbers are known by their text. */
  learn(secret: string | number): void {
    const text = String(secret);
    this.any = true;
    if (text === "" || this.#whole.has(text)) return;
    this.#whole.add(text);
    for (const form of formsOf(text)) {
      const key = keyOf(form, SHORTEST - 1);
      const { lengths, texts } = this.#needles.get(key) ?? { lengths: [], texts: new Map<string, string>() };
      if (!lengths.includes(form.length)) lengths.push(form.length);
      lengths.sort((a, b) => b - a);
      if (!texts.has(form)) texts.set(form, text);
      this.#needles.set(key, { lengths, texts });
    }
  }

  /** The text without its secrets; the same text when it has none. */
  scrub(text: string): string {
    if (this.#whole.has(text)) return HIDDEN;
    let scrubbed = "";
    let hiddenTo = 0;
    this.#search(text, (from, to) => {
      // Secrets that overlap are one gap.
      if (from >= hiddenTo) scrubbed += text.slice(hiddenTo, from) + HIDDEN;
      hiddenTo = Math.max(hiddenTo, to);
    });
    return hiddenTo === 0 ? text : scrubbed + text.slice(hiddenTo);
  }

  /** A copy of a value without its secrets. A mapping with a secret among its keys is hidden as a whole. */
  mask(value: Json): Json {
    return copyJson(value, (part) => {
      if (typeof part === "string") return { value: this.scrub(part) };
      return this.hides(part) ? { value: HIDDEN } : undefined;
    });
  }

  /** Whether a value, but for what is inside of it, shows a secret. */
  hides(part: unknown): boolean {
    if (typeof part === "number") return this.#whole.has(String(part));
    if (typeof part === "string") return this.#whole.has(part) || this.#has(part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) return false;
    return Object.keys(part).some((key) => this.hides(key));
  }

  /** The secrets that a value shows, anywhere in it. */
  foundIn(value: Json): readonly string[] {
    const found = new Set<string>();
    const left: unknown[] = [value];
    const look = (text: string): void => {
      if (this.#whole.has(text)) found.add(text);
      this.#search(text, (_from, _to, secret) => found.add(secret));
    };
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      if (typeof part === "string") look(part);
      else if (typeof part === "number" && this.hides(part)) found.add(String(part));
      else if (typeof part === "object" && part !== null)
        for (const [key, inner] of Object.entries(part)) {
          if (!Array.isArray(part)) look(key);
          left.push(inner);
        }
    }
    return [...found];
  }

  #has(text: string): boolean {
    let has = false;
    this.#search(text, () => {
      has = true;
    });
    return has;
  }

  /** Tells of the longest form that begins at each place, from left to right. */
  #search(text: string, found: Found): void {
    if (this.#needles.size === 0) return;
    let key = 0;
    for (let at = 0; at < text.length; at++) {
      key = (key << 8) ^ text.charCodeAt(at);
      const needles = at < SHORTEST - 1 ? undefined : this.#needles.get(key);
      if (needles === undefined) continue;
      const from = at - SHORTEST + 1;
      const length = needles.lengths.find((longest) => needles.texts.has(text.slice(from, from + longest)));
      if (length === undefined) continue;
      found(from, from + length, needles.texts.get(text.slice(from, from + length)) as string);
    }
  }
}

/** Of the four characters that end at `end`: what came before them is shifted out. */
function keyOf(text: string, end: number): number {
  let key = 0;
  for (let at = 0; at <= end; at++) key = (key << 8) ^ text.charCodeAt(at);
  return key;
}
