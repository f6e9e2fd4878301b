/**
 * `polardb.validate`: may this cluster be switched at all, and is the request one that the API would take? Reads only. Every refusal has
 * a row in refusal.ts.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { flag, inputSchema, oneOf, optional, text, textOrEmpty } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { PolarEngine, TargetZoneType } from "./cluster.ts";
import type { PolarControl } from "./control.ts";

interface Input {
  readonly cluster: string;
  readonly targetNodeId?: string | undefined;
  /** Only its form is looked at: the run itself was started with it (R43). */
  readonly clientToken?: string | undefined;
  readonly targetZoneType?: TargetZoneType | undefined;
  readonly rollBackForDisaster?: boolean | undefined;
}
const schema = inputSchema<Input>({
  cluster: text,
  targetNodeId: optional(text),
  clientToken: optional(textOrEmpty),
  targetZoneType: optional(oneOf("Primary", "Standby")),
  rollBackForDisaster: optional(flag),
});

/** What the check found. */
export interface Validated {
  readonly engine: PolarEngine;
  readonly status: string;
}

/** A token has at most this many characters. */
const LONGEST_TOKEN = 64;
/** Printable ASCII, without blanks at its ends. */
const TOKEN = /^[!-~](?:[ -~]*[!-~])?$/;

const ENGINES: ReadonlySet<string> = new Set<PolarEngine>(["MySQL", "PostgreSQL", "Oracle"]);

/** What is wrong with a client token; undefined when it can be used. */
export function clientTokenProblem(token: string): string | undefined {
  if (token.length > LONGEST_TOKEN) return `it has ${token.length} characters, ${LONGEST_TOKEN} are allowed`;
  return TOKEN.test(token) ? undefined : "it is empty, or has characters other than printable ASCII";
}

/**
 * The action. Codes: PARAMETER_INVALID, PARAMETER_MISSING, CLUSTER_UNKNOWN, ENGINE_UNKNOWN, CLUSTER_NOT_RUNNING, CLUSTER_LOCKED,
 * CLUSTER_CATEGORY.
 */
export function validate(
  control: PolarControl,
  hasEnded: (runId: string) => Promise<boolean> = async () => false,
): ActionDefinition<Input, Validated> {
  return defineAction<Input, Validated>({
    description: "Checks the request, and that the cluster is one that can be switched now. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx: ActionContext<Input>) => {
      const { cluster: id, clientToken, targetNodeId } = ctx.input;
      const problem = clientToken === undefined ? undefined : clientTokenProblem(clientToken);
      if (problem !== undefined) refuse("PARAMETER_INVALID", `clientToken cannot be used: ${problem}`);
      const { engine, status, markedBy = null, lockMode, nodes } = await control.describe(id, ctx);
      if (!ENGINES.has(engine)) refuse("ENGINE_UNKNOWN", `${id} runs ${engine}: it cannot be switched`);
      if (engine !== "MySQL" && targetNodeId === undefined) {
        refuse("PARAMETER_MISSING", `${id} runs ${engine}: targetNodeId must say which node becomes the writer`);
      }
      // A run that was abandoned takes nothing back, its mark neither: it would keep every later switch from the cluster.
      const isLeft = status !== "Running" && markedBy !== null && (await hasEnded(markedBy));
      if (isLeft) ctx.log(`${id} shows ${status} since run ${markedBy}, which has ended: that mark counts no more`);
      if (status !== "Running" && !isLeft) refuse("CLUSTER_NOT_RUNNING", `${id} is ${status}, not Running`);
      if (lockMode !== "Unlock") refuse("CLUSTER_LOCKED", `${id} is locked (${lockMode})`);
      if (nodes.length < 2) refuse("CLUSTER_CATEGORY", `${id} has no reader that could take over`);
      return { engine, status };
    },
  });
}
