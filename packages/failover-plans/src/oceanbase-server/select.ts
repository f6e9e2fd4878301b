/**
 * Questions to views: `SELECT a, b FROM oceanbase.VIEW [WHERE c = 'x' AND d = 1]`. Owns: reading that much SQL and no more, and the
 * numbers with which anything else is refused: 1064, 1146, 1054.
 */
import { ServerRefusal, type StatementAnswer } from "./protocol-server.ts";

/** A row of a view, by column. */
export type ViewRow = Readonly<Record<string, string | number | null>>;

/** Rows of each view, by its name in capitals. They are made when they are asked for. */
export type Views = Readonly<Record<string, () => Promise<readonly ViewRow[]>>>;

const SELECT = /^SELECT\s+(.+?)\s+FROM\s+oceanbase\.([A-Z$_]+)(?:\s+WHERE\s+(.+))?$/i;
const CONDITION = /^([A-Z_]+)\s*=\s*(?:'([^']*)'|(\d+))$/i;
const PARSE_ERROR = 1064;
const NO_SUCH_VIEW = 1146;
const NO_SUCH_COLUMN = 1054;

/** The answer of a question; undefined when the statement is none. Throws ServerRefusal. */
export async function select(statement: string, views: Views): Promise<StatementAnswer | undefined> {
  const parts = SELECT.exec(statement);
  if (parts === null) return undefined;
  const [, list = "", view = "", where] = parts;
  const read = views[view.toUpperCase()];
  if (read === undefined) throw new ServerRefusal(NO_SUCH_VIEW, `Table 'oceanbase.${view}' doesn't exist`);
  const conditions = (where ?? "").split(/\s+AND\s+/i).flatMap((text) => (text === "" ? [] : [condition(text)]));
  const columns = list.split(",").map((name) => name.trim());
  const rows = await read();
  const known = rows[0];
  for (const name of [...columns, ...conditions.map(({ column }) => column)]) {
    if (known !== undefined && !Object.hasOwn(known, name)) {
      throw new ServerRefusal(NO_SUCH_COLUMN, `Unknown column '${name}' in 'field list'`);
    }
  }
  const chosen = rows.filter((row) => conditions.every(({ column, value }) => String(row[column]) === value));
  return { columns, rows: chosen.map((row) => columns.map((name) => row[name] ?? null)) };
}

function condition(text: string): { readonly column: string; readonly value: string } {
  const parts = CONDITION.exec(text.trim());
  if (parts === null) throw parseError(text);
  return { column: parts[1] ?? "", value: parts[2] ?? parts[3] ?? "" };
}

/** 1064, as MySQL says it. */
export function parseError(near: string): ServerRefusal {
  const text = "You have an error in your SQL syntax; check the manual that corresponds to your OceanBase version";
  return new ServerRefusal(PARSE_ERROR, `${text} for the right syntax to use near '${near.slice(0, 80)}'`);
}
