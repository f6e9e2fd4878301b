/**
 * Outputs that an action calls secret (R46). Owns: which places of a node's output are secret: those of its action, or of the action
 * that it polls.
 */
import { homeOf } from "../core/index.ts";
import type { Json } from "../plan/document.ts";
import type { Executor } from "./executor.ts";

/** To be said before the payload with the output is posted. */
export function declareSecrets(executor: Executor, node: number, payload: Json): void {
  const { host, program, state, values } = executor;
  const action = program.document.nodes[homeOf(state, node)]?.action as string;
  const polled =
    action === "belay.poll" ? (values.inputs.get(node) as { action?: string } | undefined)?.action : undefined;
  const patterns = host.actions.secretsOf(polled ?? action);
  if (patterns !== undefined) executor.secrets.declare(payload, patterns);
}
