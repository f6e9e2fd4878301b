/**
 * Text for terminals: how wide it is, cutting and padding it, durations. Owns: that no name, log line or error message can
 * move the cursor, colour the screen or break a line of ours.
 */
import stringWidth from "string-width";

const segmenter = new Intl.Segmenter();
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Columns that `text` takes. */
export function width(text: string): number {
  return PRINTABLE_ASCII.test(text) ? text.length : stringWidth(text);
}

/** One line without escape sequences or other control characters; tabs and line breaks become spaces. */
export function oneLine(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text
    .replace(ESCAPE_SEQUENCE, "")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
const ESCAPE_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** The first line of a message, as `oneLine`. */
export function firstLine(text: string): string {
  return oneLine(text.trimStart().split(/\r?\n/, 1)[0] ?? "");
}

/** At most `columns` wide, the last column an ellipsis when something was cut; never cuts through a character. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (width(text) <= columns) return text;
  let kept = "";
  let taken = 0;
  for (const { segment } of segmenter.segment(text)) {
    const wide = width(segment);
    if (taken + wide > columns - 1) break;
    kept += segment;
    taken += wide;
  }
  return `${kept}…`;
}

/** Exactly `columns` wide: cut or filled with spaces. */
export function fitLeft(text: string, columns: number): string {
  const short = cut(text, columns);
  return short + " ".repeat(Math.max(0, columns - width(short)));
}

/** Exactly `columns` wide, against the right. */
export function fitRight(text: string, columns: number): string {
  const short = cut(text, columns);
  return " ".repeat(Math.max(0, columns - width(short))) + short;
}

/** `0.4s`, `12.3s`, `2m05s`, `1h02m`: never wider than 6 columns below 1000 hours. */
export function duration(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.floor(tenths / 10);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
