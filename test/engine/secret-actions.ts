/**
 * Actions that tell secrets to everybody, and operators who do (`secret-run.ts`). Owns: what each action must be given, in whatever life
 * of the run; a difference is kept in `wrong`.
 */
import { isDeepStrictEqual } from "node:util";
import { type ActionContext, type ActionRegistry, type Json, NonRetryable, type Run } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { gossip, MADE, PARAMS } from "./secret-run.ts";

export interface SecretActions {
  readonly registry: ActionRegistry;
  /** What an action was given and should not have been. */
  readonly wrong: string[];
  /** Calls by name, in order. */
  readonly calls: string[];
}

type Context = ActionContext<Record<string, Json>>;

/** What an action does, once it has told everybody what it knows. */
type Behaviour = (ctx: Context, check: Check) => unknown;

/** A value as it must be. */
type Check = (what: string, value: unknown, wanted: unknown) => void;

const ALL = { ...PARAMS, port: 5432 };
const CONNECTED = {
  url: `postgres://${PARAMS.password}`,
  list: [PARAMS.pin, PARAMS.short, "plain"],
  $sealed: "no seal",
};
const MINTED = { value: MADE.minted, keys: { [MADE.minted]: true }, flag: true };
const INNER_OUTPUTS = {
  make: { made: MADE.inner, password: PARAMS.password },
  tell: { told: `${MADE.inner} of ${PARAMS.pin}` },
};

const INPUTS: Readonly<Record<string, Json>> = {
  connect: { all: ALL, url: `postgres://app:${PARAMS.password}@db` },
  disconnect: { password: PARAMS.password },
  use: { token: MADE.token, minted: MINTED },
  make: { login: `app:${PARAMS.password}`, key: MADE.token },
  tell: { made: MADE.inner },
  break: { login: `app:${PARAMS.password}` },
};

const INNER_ACTIONS = new Set(["make", "tell", "break"]);

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  noop: () => undefined,
  connect: () => CONNECTED,
  disconnect: (ctx, check) => check("output", ctx.output, CONNECTED),
  login: () => ({ token: MADE.token, expires: 60 }),
  logout: (ctx, check) => {
    check("output", ctx.output, { token: MADE.token, expires: 60 });
    if (ctx.attempt === 1) boom("logout");
  },
  mint: () => MINTED,
  use: (ctx) => (ctx.attempt === 1 ? boom("use") : { told: gossip("use") }),
  user: (ctx, check) => {
    const item = PARAMS.users[ctx.parallelIdx];
    check("item", ctx.item, item);
    check("input", ctx.input, { token: item?.token });
    return { name: item?.name as string, again: item?.token as string };
  },
  key: (ctx, check) => check("item", ctx.item, [MADE.token, PARAMS.password][ctx.parallelIdx]),
  ask: () => ({ done: true, output: { answer: MADE.polled } }),
  make: () => INNER_OUTPUTS.make,
  tell: () => INNER_OUTPUTS.tell,
  break: () => {
    throw new NonRetryable(gossip("break"), { code: MADE.inner, details: [gossip("break"), PARAMS.pin] });
  },
  last: (ctx, check) => {
    check("input", (ctx.input["sub"] as Record<string, Json>)["outputs"], INNER_OUTPUTS);
    boom("last");
  },
};

const SECRET_OUTPUTS: Readonly<Record<string, true | readonly string[]>> = {
  login: ["token"],
  mint: true,
  ask: ["answer"],
  make: ["made"],
};

function boom(name: string): never {
  const details = { gossip: gossip(name), pin: PARAMS.pin };
  throw Object.assign(new Error(`${name}: ${gossip(name)}`), { code: `E_${PARAMS.password}`, details });
}

/** The registry of one life. */
export function secretActions(): SecretActions {
  const wrong: string[] = [];
  const calls: string[] = [];
  const actions = Object.entries(BEHAVIOURS).map(([name, behave]) => {
    const check: Check = (what, value, wanted) => {
      if (!isDeepStrictEqual(plain(value), plain(wanted))) wrong.push(`${name}: ${what} is ${JSON.stringify(value)}`);
    };
    const run = (ctx: Context): unknown => {
      calls.push(name);
      if (INPUTS[name] !== undefined) check("input", ctx.input, INPUTS[name]);
      if (!INNER_ACTIONS.has(name)) check("params", ctx.params, ALL);
      const details = { gossip: gossip(name), [PARAMS.password]: PARAMS.pin };
      ctx.log(`${name} knows ${PARAMS.password}, ${PARAMS.pin}`, details);
      return behave(ctx, check);
    };
    const secret = SECRET_OUTPUTS[name];
    return [name, { idempotent: true, run, ...(secret === undefined ? {} : { secret }) }] as const;
  });
  return { registry: Object.fromEntries(actions), wrong, calls };
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Operators who say what they should not, until the run needs none of them. */
export async function operate(run: Run): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await settleTurns();
    const waits = run.snapshot().nodes.find(({ waiting }) => waiting !== null);
    if (waits === undefined) return;
    const why = `because of ${gossip("operator")}`;
    if (waits.id === "signal")
      await run.signal("signal", { output: { said: gossip("operator"), pin: PARAMS.pin }, why, who: PARAMS.password });
    else if (waits.id === "rejected")
      await run.reject("rejected", { who: PARAMS.password, why, requestId: PARAMS.odd });
    else for (const who of missing(waits.waiting?.approvedBy ?? [])) await run.approve(waits.id, { who, why });
  }
}

function missing(approvedBy: readonly string[]): string[] {
  const people = approvedBy.includes("ann") ? [] : ["ann"];
  return approvedBy.includes("[secret]") ? people : [PARAMS.vault.token, ...people];
}
