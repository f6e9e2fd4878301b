/**
 * Opening what a run's journal has sealed (R42, R45, R46). Owns: a header and records as they were before they were sealed, what of
 * them this engine cannot open, that every parameter that the plan marks was sealed. Does not own: what is done about a value that
 * cannot be opened (`missing-secrets.ts`).
 */
import { BelayError } from "../errors.ts";
import type { JournalRecord, RunHeader } from "../journal/port.ts";
import type { Json } from "../plan/document.ts";
import { deepFreeze } from "../plan/json.ts";
import { secretLeaves } from "../plan/params-secret.ts";
import { formatPath, type PathSegment } from "../plan/path.ts";
import { isSecretHere, patternsBelow, type SecretPattern } from "../plan/secret-path.ts";
import { hiddenCopy, paramPatterns, RunSecrets, sealPlace, spotAt } from "./run-secrets.ts";
import type { SealKeys } from "./seal-keys.ts";
import { openedCopy, type Spot, sealedText, segmentsOf } from "./sealed-json.ts";
import { HIDDEN, type SecretTexts } from "./secret-texts.ts";

/** A run as the journal has it. */
export interface StoredRun {
  readonly header: RunHeader;
  readonly records: readonly JournalRecord[];
}

/** A run as it was before it was sealed. */
export interface OpenedRun extends StoredRun {
  readonly secrets: RunSecrets;
  /** Values that cannot be opened, and stand as `[secret]`. */
  readonly missing: readonly (readonly PathSegment[])[];
}

/** With what a run is opened. */
export interface Opening {
  readonly keys: SealKeys;
  /** Of the runs around this one. */
  readonly texts?: SecretTexts | undefined;
  /** A value given anew for one that cannot be opened. */
  readonly given?: (place: readonly PathSegment[]) => Json | undefined;
}

/** Fails with JOURNAL_CORRUPT for a seal that was changed or moved, and for a marked parameter without one. */
export function openRun({ header, records }: StoredRun, opening: Opening): OpenedRun {
  const opener = new Opener(header.runId, opening);
  const opened = opener.header(header);
  return { header: opened, records: records.map((record) => opener.record(record)), ...opener.answer() };
}

const NO_PATTERNS: readonly SecretPattern[] = [];

class Opener {
  readonly #runId: string;
  readonly #opening: Opening;
  readonly #secrets: RunSecrets;
  readonly #missing: (readonly PathSegment[])[] = [];

  constructor(runId: string, opening: Opening) {
    this.#runId = runId;
    this.#opening = opening;
    this.#secrets = new RunSecrets(runId, opening.keys, opening.texts);
  }

  answer(): Pick<OpenedRun, "secrets" | "missing"> {
    this.#secrets.missing = this.#missing.map(formatPath);
    return { secrets: this.#secrets, missing: this.#missing };
  }

  header(header: RunHeader): RunHeader {
    const patterns = paramPatterns(header.document.params);
    if (header.sealed !== true) {
      if (!secretLeaves(header.params, patterns).next().done) throw this.#corrupt("a secret parameter is not sealed");
      return header;
    }
    const { sealed: _sealed, ...rest } = header;
    const params = this.#open(header.params, ["params"], patterns) as RunHeader["params"];
    const items: Record<string, readonly Json[]> = Object.create(null);
    for (const [group, list] of Object.entries(header.items))
      items[group] = this.#open(list, ["items", group], NO_PATTERNS) as readonly Json[];
    return deepFreeze({ ...rest, params, items });
  }

  record(record: JournalRecord): JournalRecord {
    const { payload, seq } = record;
    if ((payload as { sealed?: unknown } | undefined)?.sealed !== true) return record;
    const { sealed: _sealed, ...fields } = payload as Record<string, Json>;
    const own: (readonly PathSegment[])[] = [];
    const opened: Record<string, Json> = {};
    for (const [name, field] of Object.entries(fields))
      opened[name] = this.#open(field, ["records", seq, name], NO_PATTERNS, own);
    const { output } = opened;
    if (output !== undefined && own.length > 0) this.#secrets.show(opened, hiddenAt(output, own));
    return { ...record, payload: opened };
  }

  /** `own` gets the places of what is secret by itself, not for what it shows. */
  #open(
    value: Json,
    path: readonly PathSegment[],
    patterns: readonly SecretPattern[],
    own: (readonly PathSegment[])[] = [],
  ): Json {
    const turn = (part: Json, spot: Spot<readonly SecretPattern[]>): { readonly value: Json } | undefined => {
      const text = sealedText(part);
      if (text !== undefined) return { value: this.#unsealed(text, segmentsOf(spot), own) };
      if (isSecretHere(spot.state)) throw this.#corrupt(`${formatPath(segmentsOf(spot))} is not sealed`);
      return undefined;
    };
    return openedCopy(value, spotAt(path, patterns), { turn, below: patternsBelow });
  }

  #unsealed(text: string, place: readonly PathSegment[], own: (readonly PathSegment[])[]): Json {
    const opened = this.#opening.keys.open(text, sealPlace(this.#runId, place));
    if (opened.kind === "opened") {
      const [value, shows] = JSON.parse(opened.text) as [Json, (readonly string[])?];
      if (shows === undefined) own.push(place);
      for (const leaf of shows ?? secretLeaves(value, [[]])) this.#secrets.texts.learn(leaf);
      return value;
    }
    if (opened.kind === "broken") throw this.#corrupt(`the seal at ${formatPath(place)} was changed, or moved`);
    own.push(place);
    const given = this.#opening.given?.(place);
    if (given === undefined) {
      this.#missing.push(place);
      return HIDDEN;
    }
    for (const leaf of secretLeaves(given, [[]])) this.#secrets.texts.learn(leaf);
    return given;
  }

  #corrupt(why: string): Error {
    return corrupt(this.#runId, why);
  }
}

/** `places` are those of a payload: records, its number, output, ... */
function hiddenAt(output: Json, places: readonly (readonly PathSegment[])[]): Json {
  const patterns = places.filter(([, , field]) => field === "output").map((place) => place.slice(3));
  return hiddenCopy(output, patterns);
}

/** Fails with JOURNAL_CORRUPT for records that the plan cannot have made. */
export function corrupt(runId: string, why: string, cause?: unknown): BelayError {
  const text = `the journal of run ${runId} is not what was written: ${why}`;
  return new BelayError("JOURNAL_CORRUPT", text, { runId }, cause);
}
