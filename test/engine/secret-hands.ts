/**
 * A run with secrets that dies in the middle, for those who take it up: with the key, without it, from a changed journal. Owns: the
 * plan, what its last node must get, and the copy of a run in another journal.
 */
import type { ActionContext, ActionRegistry, MemoryJournal, PlanDocument } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import type { JournalRecord, RunHeader } from "../../packages/engine/src/journal/port.ts";
import { type Life, life, type NextLife } from "./second-life.ts";
import { plan } from "./stage.ts";

/** 32 bytes. */
export const KEY = Buffer.alloc(32, 1);
export const SECRET = { type: "string", "x-secret": true };
export const PARAMS = { password: "hunter2-Zx9", users: [{ name: "ann", token: "tok-ann" }], port: 5432 };
export const params = {
  required: ["password"],
  properties: {
    password: { ...SECRET, maxLength: 20 },
    users: { type: "array", items: { type: "object", properties: { name: { type: "string" }, token: SECRET } } },
    port: { type: "integer" },
  },
};

/** login -> users (a group) -> hold, which never ends by itself -> last, which says what it got. */
export const document: PlanDocument = plan(
  [
    { id: "login", action: "login" },
    { id: "users", action: "note", upstreams: ["login"], split: { over: "params.users" }, with: { $cel: "item" } },
    { id: "hold", action: "hold", upstreams: ["users"] },
    {
      id: "last",
      action: "note",
      upstreams: ["hold"],
      with: { token: { $cel: "nodes.login.output.token" }, all: { $cel: "params" } },
    },
  ],
  { params },
);
export const hang = (): Promise<unknown> => new Promise(() => undefined);

export interface Notes {
  readonly extra: ActionRegistry;
  readonly got: unknown[];
}

/** `hold`: what it does in this life. */
export function actions(hold: () => unknown = () => undefined): Notes {
  const got: unknown[] = [];
  const extra = {
    login: { secret: ["token"], run: () => ({ token: "tok-login", expires: 60 }) },
    note: { idempotent: true, run: ({ input }: ActionContext<unknown>) => void got.push(input) },
    hold: { idempotent: true, run: hold },
  };
  return { extra, got };
}

export const LAST = { token: "tok-login", all: PARAMS };

/** A run that rests in `hold`, and dies there. */
export async function begun(): Promise<Life> {
  const first = await life({ extra: actions(hang).extra, engine: { secrets: { key: KEY } } });
  await first.start(document, { runId: "r", params: PARAMS, clientToken: "t" });
  await settleTurns();
  return first;
}

/** The next life; runs that are refused are no news here. */
export async function next(
  first: Life,
  options: NextLife["engine"] & object,
  extra: ActionRegistry = actions().extra,
): Promise<Life> {
  return await first.crash({ extra, engine: { onRefusedRun: () => undefined, ...options } });
}

/** A run of another journal, with these records. */
export function copyRun(
  journal: MemoryJournal,
  header: RunHeader,
  records: readonly JournalRecord[],
  ended: boolean,
): void {
  const created = journal.create("e", header, []);
  if (created.kind !== "created") throw new Error(created.kind);
  journal.append(created.lease, records, { status: ended ? "SUCCESSFUL" : "RUNNING", ended, at: 0 });
  journal.release(created.lease);
}
