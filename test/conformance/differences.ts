/**
 * docs/differences.md as the tests read it: the page is the one home of the list of differences. Owns: the form of its
 * tables. A row lists cases, by id or with `*`, and the facts in which they differ, or "no counterpart".
 */
import { readFileSync } from "node:fs";
import { NO_COUNTERPART } from "./verdict.ts";

/** A row of a table of differences. */
export interface Difference {
  /** Ids of cases; `*` stands for any text. */
  readonly patterns: readonly string[];
  /** Names of facts, sorted, or `["no counterpart"]`. */
  readonly differsIn: readonly string[];
  /** What the peer does, as written. */
  readonly peer: string;
}

/** What the page says of a suite as a whole. */
export interface Count {
  readonly suite: string;
  readonly cases: number;
  readonly same: number;
  readonly different: number;
  readonly noCounterpart: number;
}

const PAGE = new URL("../../docs/differences.md", import.meta.url);

/** The rows of all tables of differences, in the order of the page. Throws for a row that does not say everything. */
export function listedDifferences(page: string = readFileSync(PAGE, "utf8")): readonly Difference[] {
  return tableRows(page, "case").map((cells) => {
    const [cases = "", facts = "", peer = "", belay = "", rules = ""] = cells;
    const patterns = quoted(cases);
    const differsIn = facts === NO_COUNTERPART ? [NO_COUNTERPART] : quoted(facts).toSorted();
    const complete = patterns.length > 0 && differsIn.length > 0 && peer !== "" && belay !== "" && /^R\d+/.test(rules);
    if (!complete || cells.length !== 5) throw new Error(`docs/differences.md: incomplete row: ${cells.join(" | ")}`);
    return { patterns, differsIn, peer };
  });
}

/** The table of counts. */
export function listedCounts(page: string = readFileSync(PAGE, "utf8")): readonly Count[] {
  return tableRows(page, "peer").map(([suite = "", ...numbers]) => {
    const [cases = Number.NaN, same = Number.NaN, different = Number.NaN, noCounterpart = Number.NaN] =
      numbers.map(Number);
    return { suite: quoted(suite)[0] ?? "", cases, same, different, noCounterpart };
  });
}

/** Rows that list the case; more than one is a mistake of the page. */
export function rowsOf(id: string, rows: readonly Difference[]): readonly Difference[] {
  return rows.filter(({ patterns }) => patterns.some((pattern) => matches(pattern, id)));
}

/** Whether the pattern stands for the id. */
export function matches(pattern: string, id: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(id);
}

/** Cells of the rows of every table whose first heading is `heading`. */
function tableRows(page: string, heading: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let inside = false;
  for (const line of page.split("\n")) {
    const cells = line.startsWith("|")
      ? line
          .slice(1, -1)
          .split("|")
          .map((cell) => cell.trim())
      : [];
    if (cells.length === 0) inside = false;
    else if (cells[0] === heading) inside = true;
    else if (inside && !cells.every((cell) => /^-+$/.test(cell))) rows.push(cells);
  }
  return rows;
}

function quoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}
