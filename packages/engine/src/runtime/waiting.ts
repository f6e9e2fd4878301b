/**
 * Nodes of one run that wait for time, people or a message: `belay.wait`, `belay.approval`, `belay.signal`. Owns: the
 * deadline of a wait, letting go when aborted, who may approve. They call nothing and hold no slot (R41); what ends them
 * is an input like any answer, so that the core knows no difference.
 */
import type { VerbInput } from "../core/index.ts";
import { BelayError, NonRetryable } from "../errors.ts";
import { inputFaults } from "../plan/built-in.ts";
import type { Json } from "../plan/document.ts";
import { namesPerson, personOf } from "../plan/person.ts";
import type { Answer } from "./call.ts";
import type { Executor } from "./executor.ts";
import type { RunFacts } from "./facts.ts";
import { nodeId } from "./node-id.ts";
import type { Deadline } from "./timers.ts";

/** Ends the attempt that waits. */
type Answered = (answer: Answer) => void;

interface Wait {
  readonly answered: Answered;
  readonly deadline: Deadline | undefined;
}

export class Waiting {
  readonly #executor: Executor;
  readonly #waits = new Map<number, Wait>();

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  /** Whether any node waits: mostly none. */
  get any(): boolean {
    return this.#waits.size > 0;
  }

  /** An attempt of a node with a waiting action begins. */
  start(node: number, action: string, input: Json | undefined, answered: Answered): void {
    const faults = inputFaults(action, input);
    if (faults.length > 0) {
      const message = faults.map((fault) => fault.message).join("; ");
      answered({ ok: false, thrown: new NonRetryable(message, { code: "INPUT_INVALID" }) });
      return;
    }
    const { host, values } = this.#executor;
    const until = values.waits.get(node)?.until ?? null;
    const arm = (at: number): Deadline => host.timers.arm(at, () => answered({ ok: true, output: undefined }));
    this.#waits.set(node, { answered, deadline: until === null ? undefined : arm(until) });
  }

  /** Asked to let go: a wait does so at once. */
  abort(node: number, reason: unknown): void {
    this.#waits.get(node)?.answered({ ok: false, thrown: reason });
  }

  /** The attempt is over, whoever ended it. */
  end(node: number): void {
    const wait = this.#waits.get(node);
    if (wait === undefined) return;
    if (wait.deadline !== undefined) this.#executor.host.timers.disarm(wait.deadline);
    this.#waits.delete(node);
  }

  clear(): void {
    for (const node of [...this.#waits.keys()]) this.end(node);
  }
}

/**
 * A word for a node that waits, an approval completed by what the run knows: whether it is enough. Other verbs pass
 * unchanged. An error when that person may not say it, or nobody may.
 */
export function judgeWord(facts: RunFacts, input: VerbInput, payload: Json | undefined): VerbInput | BelayError {
  if (input.kind !== "approve" && input.kind !== "reject" && input.kind !== "signal") return input;
  const id = nodeId(facts, input.node);
  const wait = facts.values.waits.get(input.node);
  if (wait === undefined) {
    const text = `node "${id}" is about to fail: what it was given to wait for makes no sense`;
    return new BelayError("STATE_INVALID", text, { node: id, allowedIn: [] });
  }
  if (input.kind === "signal") return input;
  const who = (payload as { who: string }).who;
  const { approvers, required } = wait;
  if (approvers !== null && !namesPerson(approvers, who)) {
    const text = `${who} may not ${input.kind} node "${id}"; ${approvers.join(", ")} may`;
    return new BelayError("FORBIDDEN", text, { node: id, approvers });
  }
  if (input.kind === "reject") return input;
  const approvedBy = facts.values.approvals(input.node);
  if (approvedBy.some((one) => personOf(one) === personOf(who))) {
    const text = `${who} has approved node "${id}" already; it needs ${required} people and has ${approvedBy.length}`;
    return new BelayError("STATE_INVALID", text, { node: id, approvedBy, required, allowedIn: [] });
  }
  return { ...input, enough: approvedBy.length + 1 >= required };
}
