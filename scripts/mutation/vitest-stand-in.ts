/**
 * A stand-in for `test` and `describe`, so that collected tests can be run again for each mutant without starting
 * anything. Owns: collecting. `expect` and `vi` are vitest's own. What the project's tests do not use is not there: a
 * test that needs more fails to load, it is never passed over.
 */

export interface Collected {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

type Body = (...args: never[]) => void | Promise<void>;
type Rest = readonly [Body] | readonly [object, Body] | readonly [Body, number | object];

const collected: Collected[] = [];
const suites: string[] = [];

/** Tests that `load` registers, in order. */
export async function collect(load: () => Promise<unknown>): Promise<Collected[]> {
  collected.length = 0;
  await load();
  return [...collected];
}

function add(name: string, rest: Rest, args: readonly unknown[] = []): void {
  const body = rest.find((one) => typeof one === "function") as (...given: unknown[]) => void | Promise<void>;
  const options = rest.find((one) => typeof one === "object") as { skip?: boolean; todo?: boolean } | undefined;
  if (options?.skip || options?.todo) return;
  collected.push({ name: [...suites, name].join(" > "), run: () => body(...args) });
}

/** As vitest's `test`. */
export function test(name: string, ...rest: Rest): void {
  add(name, rest);
}

test.each =
  (rows: readonly unknown[]) =>
  (name: string, ...rest: Rest): void => {
    for (const [index, row] of rows.entries()) add(`${name} [${index}]`, rest, Array.isArray(row) ? row : [row]);
  };

test.skipIf =
  (skip: unknown) =>
  (name: string, ...rest: Rest): void => {
    if (!skip) add(name, rest);
  };

/** As vitest's `describe`. */
export function describe(name: string, ...rest: Rest): void {
  const body = rest.find((one) => typeof one === "function") as () => void;
  suites.push(name);
  body();
  suites.pop();
}

describe.each =
  (rows: readonly unknown[]) =>
  (name: string, body: (...args: unknown[]) => void): void => {
    for (const [index, row] of rows.entries()) {
      describe(`${name} [${index}]`, () => body(...(Array.isArray(row) ? row : [row])));
    }
  };
