/**
 * Everything that leaves an engine, as text: what a journal is handed, byte for byte, events, snapshots, views, errors. Owns: that
 * record, and the search for secrets in it, in forms of its own making: it shares nothing with the engine's.
 */
import {
  BelayError,
  type Journal,
  type Plan,
  RUN_EVENT_NAMES,
  type Run,
  type RunSnapshot,
  toOcpTask,
} from "@belay/engine";
import { toDot, toGraphJson, toMermaid } from "@belay/engine/views";
import { canonicalJson } from "../../packages/engine/src/plan/identity.ts";

/** A secret in some form, and where it was found. */
export interface Leak {
  readonly secret: string;
  readonly form: string;
  readonly around: string;
}

export class Watch {
  /** Each with what it is: "append", "node:failed", ... */
  readonly texts: { readonly from: string; readonly text: string }[] = [];

  take(from: string, value: unknown): void {
    this.texts.push({ from, text: textOf(value) });
  }

  /** Events of the run, and its snapshot and every view of it at each of them. */
  watch(run: Run, plan: Plan): void {
    this.listen(run, () => this.see(run.snapshot(), plan));
  }

  /** Events of the run alone. */
  listen(run: Run, then: () => void = () => undefined): void {
    for (const name of RUN_EVENT_NAMES) {
      run.on(name, (event) => {
        this.take(name, event);
        then();
      });
    }
  }

  see(snapshot: RunSnapshot, plan: Plan): void {
    this.take("snapshot", snapshot);
    if (snapshot.planName !== plan.document.name) return;
    this.take("ocp", toOcpTask(snapshot));
    this.take("graph", [toGraphJson(plan, snapshot), toMermaid(plan, snapshot), toDot(plan, snapshot)]);
  }

  /** The error of a call that must fail. */
  async error(call: Promise<unknown>): Promise<BelayError> {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof BelayError)) throw new Error(`no BelayError: ${String(error)}`);
    this.take("error", error);
    return error;
  }

  leaks(secrets: readonly string[]): Leak[] {
    const found: Leak[] = [];
    for (const secret of secrets) {
      for (const [form, needle] of Object.entries(formsOf(secret))) {
        for (const { from, text } of this.texts) {
          const at = text.indexOf(needle);
          if (at >= 0) found.push({ secret, form, around: `${from}: ${text.slice(Math.max(0, at - 60), at + 60)}` });
        }
      }
    }
    return found;
  }
}

/** A journal in memory that keeps the canonical text of everything it is handed. */
export function watchedJournal(watch: Watch, inner: Journal): Journal {
  return new Proxy(inner, {
    get(journal, name) {
      const method = Reflect.get(journal, name) as unknown;
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        if (name !== "open") watch.take(String(name), args);
        return Reflect.apply(method, journal, args) as unknown;
      };
    },
  });
}

function textOf(value: unknown): string {
  if (value instanceof Error) {
    const { details } = value as { details?: unknown };
    return [value.stack, JSON.stringify(details), value.cause === undefined ? "" : textOf(value.cause)].join("\n");
  }
  if (typeof value === "string") return value;
  return canonicalJson(JSON.parse(JSON.stringify(value)));
}

/** What a search of a journal's bytes would look for. */
export function formsOf(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret);
  return {
    plain: secret,
    json: JSON.stringify(secret).slice(1, -1),
    base64: bytes.toString("base64").replace(/=+$/, "").slice(0, -1),
    base64url: bytes.toString("base64url").slice(0, -1),
    hex: bytes.toString("hex"),
    url: encodeURIComponent(secret),
  };
}
