/** A diagnostic as editors and people read it: `file:line:col: error CODE path: message (did you mean ...?)`. */
import type { Diagnostic } from "@belay/engine";
import type { Colors } from "../output.ts";
import { oneLine } from "./text.ts";

/** One line. Place and path are left out where the diagnostic has none. */
export function diagnosticLine(file: string, diagnostic: Diagnostic, colors: Colors): string {
  const { code, severity, path, message, suggestion, line, column } = diagnostic;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const paint = severity === "error" ? colors.red : colors.yellow;
  const where = path === "" ? "" : ` ${colors.bold(oneLine(path))}`;
  const remedy = suggestion === undefined ? "" : ` (${oneLine(suggestion)})`;
  return `${oneLine(place)}: ${paint(severity)} ${code}${where}: ${oneLine(message)}${remedy}`;
}
