/**
 * The port to whatever can end a machine for certain: a power switch, a hypervisor, a cloud's API, a program on the host behind SSH.
 * Owns the contract, and how a fence becomes the `kill` of a `NodeControl`.
 *
 * F1: `fence` resolves only when the node is certainly down; "I have asked for it" is not enough.
 * F2: an order carries the epoch of its run; the other side remembers the highest it has obeyed and refuses lower ones, so that a
 * controller that was overtaken cannot end the writer of the one that overtook it.
 */
import { NonRetryable } from "@belay/engine";
import type { NodeControl } from "../postgres/ports.ts";

/** What an order names. */
export interface FenceTarget {
  /** Name of the node, as the inventory has it. */
  readonly node: string;
  /** Where its machine is reached. */
  readonly host: string;
  /** Grows from run to run; 0 = the run holds no lock. */
  readonly epoch: number;
}

/** What the other side knows of a node. */
export type FenceState = "running" | "stopped";

export interface Fence {
  /** Ends the node (F1). Idempotent. Rejects with STALE_EPOCH, not retryable, when a later run has given an order (F2). */
  fence(target: FenceTarget): Promise<void>;
  /** Whether the node runs. Rejects when that cannot be told: not known is not stopped. */
  state(target: FenceTarget): Promise<FenceState>;
}

/** A later run has given an order to the same node. */
export function refuseStale(target: FenceTarget, said: string): never {
  throw new NonRetryable(
    `${target.node} has obeyed a later run than epoch ${target.epoch} (${said}): this run no longer leads, it must not end anybody`,
    { code: "STALE_EPOCH" },
  );
}

/**
 * `control`, but a node is killed by its fence, and is certainly down when the fence says so; one that the fence calls running is asked
 * for its server. `hosts`: where the machine of a node is reached.
 */
export function fencedControl(control: NodeControl, fence: Fence, hosts: ReadonlyMap<string, string>): NodeControl {
  const targetOf = (node: string, epoch: number): FenceTarget => ({ node, host: hosts.get(node) ?? node, epoch });
  const isDown = async (node: string): Promise<boolean> => (await fence.state(targetOf(node, 0))) === "stopped";
  return {
    stop: (node) => control.stop(node),
    start: (node) => control.start(node),
    markStandby: (node, conninfo) => control.markStandby(node, conninfo),
    unmarkStandby: (node) => control.unmarkStandby(node),
    isMarkedStandby: (node) => control.isMarkedStandby(node),
    controlState: (node) => control.controlState(node),
    reclone: (node, source, signal) => control.reclone(node, source, signal),
    hasData: (node) => control.hasData(node),
    wipe: (node) => control.wipe(node),
    conninfo: (node, source) => control.conninfo(node, source),
    // A machine that is up says nothing of the server on it.
    isRunning: async (node) => !(await isDown(node)) && (await control.isRunning(node)),
    isMachineDown: isDown,
    kill: async (node, order) => {
      const target = targetOf(node, order?.epoch ?? 0);
      await fence.fence(target);
      if ((await fence.state(target)) !== "stopped") {
        throw new Error(`${node} still runs after it was fenced: nothing may be promoted`);
      }
    },
  };
}
