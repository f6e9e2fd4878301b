/**
 * What is secret in one run, at each place where something of it goes out (R46). Owns: what the journal is given instead (sealed),
 * what people and programs are shown instead (`[secret]`). Does not own: keys (`seal-keys.ts`), finding secrets in texts
 * (`secret-texts.ts`), opening what was sealed (`open-run.ts`).
 *
 * S1: in the process, actions and expressions see values as they are. Errors and reasons are for people: in them a secret is lost.
 * S2: what is sealed says which secrets it shows: whoever opens it knows them.
 * S3: a run without secrets pays for reading `any`.
 */
import { BelayError } from "../errors.ts";
import type { RunHeader } from "../journal/port.ts";
import type { Json, PlanDocument } from "../plan/document.ts";
import { secretLeaves, secretPatterns } from "../plan/params-secret.ts";
import { formatPath, type PathSegment } from "../plan/path.ts";
import { EVERY, isSecretHere, patternsBelow, type SecretPattern } from "../plan/secret-path.ts";
import type { SealKeys } from "./seal-keys.ts";
import { changedCopy, type Spot, sealedCopy, sealedValue, segmentsOf } from "./sealed-json.ts";
import { HIDDEN, SecretTexts } from "./secret-texts.ts";

type Patterns = readonly SecretPattern[];
type Fields = Readonly<Record<string, Json>>;

/** Nothing is declared secret; what shows a known secret is found all the same. */
const NO_PATTERNS: Patterns = [];
const EVERY_PARAMETER: SecretPattern = [EVERY];

/** Where the plan says `x-secret`. With the mark at the very top every parameter is one. */
export function paramPatterns(schema: PlanDocument["params"]): Patterns {
  return secretPatterns(schema).map((pattern) => (pattern.length === 0 ? EVERY_PARAMETER : pattern));
}

/** Names the place of a value to its seal; put elsewhere, it does not open. */
export function sealPlace(runId: string, segments: readonly PathSegment[]): string {
  return JSON.stringify(["belay", runId, formatPath(segments)]);
}

export class RunSecrets {
  /** Shared with the runs around and inside this one. */
  readonly texts: SecretTexts;
  /** Places of values that could not be opened and stand as `[secret]`, in a run that has ended or is given up. */
  missing: readonly string[] = [];
  readonly #runId: string;
  readonly #keys: SealKeys;
  /** By payload: the places of its output that its action calls secret. */
  readonly #declared = new WeakMap<object, Patterns>();
  /** By payload: its output as it is shown, when places of it are hidden. */
  readonly #shown = new WeakMap<object, Json>();

  constructor(runId: string, keys: SealKeys, texts: SecretTexts = new SecretTexts()) {
    this.#runId = runId;
    this.#keys = keys;
    this.texts = texts;
  }

  /** Whether anything is secret, here or in a run around or inside. */
  get any(): boolean {
    return this.texts.any;
  }

  /** The text without its secrets. */
  text(text: string): string {
    return this.any ? this.texts.scrub(text) : text;
  }

  /** The value without its secrets. */
  mask(value: Json): Json;
  mask(value: Json | undefined): Json | undefined;
  mask(value: Json | undefined): Json | undefined {
    return this.any && value !== undefined ? this.texts.mask(value) : value;
  }

  /** The error without secrets; the same one when it shows none. */
  error<E>(error: E): E | BelayError {
    if (!this.any || !(error instanceof BelayError)) return error;
    const { code, message, details, cause } = error;
    const shown = maskedFields(details as Fields, (detail) => this.mask(detail));
    const isClean = this.text(message) === message && JSON.stringify(shown) === JSON.stringify(details);
    if (isClean && (!(cause instanceof Error) || this.text(cause.message) === cause.message)) return error;
    return new BelayError(code, this.text(message), shown);
  }

  /** Learns the parameters' secrets; answers the header as the journal keeps it. */
  sealHeader(header: RunHeader): RunHeader {
    const patterns = paramPatterns(header.document.params);
    for (const leaf of secretLeaves(header.params, patterns)) this.texts.learn(leaf);
    if (patterns.length === 0 && !this.any) return header;
    const params = this.#seal(header.params, ["params"], patterns);
    const items = Object.entries(header.items).map(
      ([group, list]) => [group, this.#seal(list, ["items", group], NO_PATTERNS)] as const,
    );
    if (!params.found && items.every(([, list]) => !list.found)) return header;
    const lists: Record<string, readonly Json[]> = Object.create(null);
    for (const [group, list] of items) lists[group] = list.copy as readonly Json[];
    return { ...header, params: params.copy as RunHeader["params"], items: lists, sealed: true };
  }

  /** `payload` has an output whose action calls these places of it secret. */
  declare(payload: Json, patterns: Patterns): void {
    const { output } = payload as Fields;
    if (output === undefined) return;
    this.texts.any = true;
    for (const leaf of secretLeaves(output, patterns)) this.texts.learn(leaf);
    this.#declared.set(payload as object, patterns);
  }

  /** A payload as the run keeps it: without secrets in what only people read. */
  scrubbed(payload: Json | undefined): Json | undefined {
    const { error, why } = (payload ?? {}) as Fields;
    if (payload === undefined || (error === undefined && why === undefined)) return payload;
    const copy: Record<string, Json> = { ...(payload as Fields) };
    if (why !== undefined) copy["why"] = this.mask(why);
    if (error !== undefined) copy["error"] = maskedFields(error as Fields, (field) => this.mask(field));
    const declared = this.#declared.get(payload as object);
    if (declared !== undefined) this.#declared.set(copy, declared);
    return copy;
  }

  /** A payload of the run as the journal keeps it, in its record `seq`. */
  sealed(payload: Json | undefined, seq: number): Json | undefined {
    if (payload === undefined) return undefined;
    const declared = this.#declared.get(payload as object);
    const patternsOf = (name: string): Patterns => (name === "output" ? (declared ?? NO_PATTERNS) : NO_PATTERNS);
    if (declared !== undefined) this.show(payload, hiddenCopy((payload as Fields)["output"] as Json, declared));
    const copy: Record<string, Json> = {};
    let found = false;
    for (const [name, field] of Object.entries(payload as Fields)) {
      // A word of the engine's own.
      const sealed = name === "recovery" ? undefined : this.#seal(field, ["records", seq, name], patternsOf(name));
      copy[name] = sealed?.copy ?? field;
      found ||= sealed?.found === true;
    }
    return found ? { ...copy, sealed: true } : payload;
  }

  /** The output of that payload is shown as `output`. */
  show(payload: Json, output: Json): void {
    this.#shown.set(payload as object, output);
  }

  /** The output of a payload as it is shown, when places of it are hidden. */
  shown(payload: Json | undefined): Json | undefined {
    return payload === undefined ? undefined : this.#shown.get(payload as object);
  }

  /** A hash that tells one request from another and does not let its secrets be guessed (R43). */
  requestHash(text: string): string {
    return this.#keys.hash(text);
  }

  #seal(
    value: Json,
    path: readonly PathSegment[],
    patterns: Patterns,
  ): { readonly copy: Json; readonly found: boolean } {
    let found = false;
    const turn = (part: Json, spot: Spot<Patterns>): { readonly value: Json } | undefined => {
      const declared = isSecretHere(spot.state);
      if (!declared && !this.texts.hides(part)) return undefined;
      found = true;
      const plain = JSON.stringify(declared ? [part] : [part, this.texts.foundIn(part)]);
      return { value: sealedValue(this.#keys.seal(plain, sealPlace(this.#runId, segmentsOf(spot)))) };
    };
    const copy = sealedCopy(value, spotAt(path, patterns), { turn, below: patternsBelow });
    return { copy, found };
  }
}

/** The spot at the end of a path, as where a walk begins. */
export function spotAt<S>(path: readonly PathSegment[], state: S): Spot<S> {
  let spot: Spot<S> | undefined;
  for (const key of path) spot = { up: spot, key, state };
  return spot as Spot<S>;
}

/** Names of fields are ours, and stay. */
function maskedFields(fields: Fields, mask: (field: Json) => Json): Record<string, Json> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, mask(field)]));
}

/** A copy of an output in which these places are hidden. */
export function hiddenCopy(output: Json, patterns: Patterns): Json {
  if (isSecretHere(patterns)) return HIDDEN;
  const turn = (_part: Json, spot: Spot<Patterns>): { readonly value: Json } | undefined =>
    isSecretHere(spot.state) ? { value: HIDDEN } : undefined;
  return changedCopy(output, spotAt(["output"], patterns), { turn, below: patternsBelow });
}
