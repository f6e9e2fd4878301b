/**
 * Requests of operators who are in another process (R37): a verb of `Run` as data. Owns: which verbs there are and what
 * comes of one. The verbs judge their arguments themselves; a request id makes each happen once.
 */
import type { BelayError } from "../errors.ts";
import type { OperatorRequest, RequestAnswer } from "../journal/port.ts";
import type { Json } from "../plan/document.ts";
import type { Run, RunSnapshot } from "./api.ts";
import { JOURNAL_FAULTS } from "./journal-answer.ts";
import { asBelayError } from "./recovery.ts";

type Options = Readonly<Record<string, Json>>;

/** Each verb: does it name a node, and how it is asked. Arguments come as they are: the verbs refuse what makes no sense. */
const VERBS: Readonly<
  Record<string, { node: boolean; ask: (run: Run, node: string, options: never) => Promise<RunSnapshot> }>
> = {
  retry: { node: false, ask: (run, _node, options) => run.retry(options) },
  skip: { node: true, ask: (run, node, options) => run.skip(node, options) },
  cancel: { node: false, ask: (run, _node, options) => run.cancel(options) },
  rollback: { node: false, ask: (run, _node, options) => run.rollback(options) },
  skipRollback: { node: true, ask: (run, node, options) => run.skipRollback(node, options) },
  pause: { node: false, ask: (run, _node, options) => run.pause(options) },
  resume: { node: false, ask: (run, _node, options) => run.resume(options) },
  approve: { node: true, ask: (run, node, options) => run.approve(node, options) },
  reject: { node: true, ask: (run, node, options) => run.reject(node, options) },
  signal: { node: true, ask: (run, node, options) => run.signal(node, options) },
  abandon: { node: false, ask: (run, _node, options) => run.abandon(options) },
};

/** The run stops, or has stopped: nothing was decided. */
const STOPPED: ReadonlySet<string> = new Set(["CLOSED", "FENCED", ...JOURNAL_FAULTS]);

/** Does what was asked. Never fails: a refusal is an answer. undefined = the run has stopped; somebody may answer later. */
export async function carryOutRequest(run: Run, request: OperatorRequest): Promise<RequestAnswer | undefined> {
  const { verb, args, requestId } = request;
  const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (known === undefined)
    return refusal("INVALID_ARGUMENT", `there is no verb "${verb}"; there are ${Object.keys(VERBS).join(", ")}`);
  const [node, given = {}] = known.node ? args : ["", ...args];
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return refusal("INVALID_ARGUMENT", `${verb}: the options must be an object`);
  const options = { ...(given as Options), requestId } as never;
  try {
    const { status } = await known.ask(run, node as string, options);
    return { ok: true, status };
  } catch (error) {
    const { code, message } = asBelayError(error);
    return STOPPED.has(code) ? undefined : refusal(code, message);
  }
}

function refusal(code: BelayError["code"], message: string): RequestAnswer {
  return { ok: false, code, message };
}
