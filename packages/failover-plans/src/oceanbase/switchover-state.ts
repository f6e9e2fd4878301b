/**
 * The state machine of SWITCHOVER_STATUS during failovers and switchovers, as a table; the model asserts every transition
 * against it.
 */
import type { SwitchoverStatus } from "./control.ts";

export const SWITCHOVER_TRANSITIONS = [
  ["NOT ALLOWED", "TO PRIMARY", "a standby: nothing stands in the way any more"],
  ["TO PRIMARY", "NOT ALLOWED", "a standby: something stands in the way; SWITCHOVER_INFO says what"],
  ["TO STANDBY", "NOT ALLOWED", "the primary: no standby is synchronised any more"],
  ["NOT ALLOWED", "TO STANDBY", "the primary: a standby is synchronised again"],
  ["TO STANDBY", "SWITCHOVER SWITCHING", "the primary: the switchover statement was accepted; no writes"],
  ["SWITCHOVER SWITCHING", "TO PRIMARY", "it is a standby, and there is no primary: it may go back"],
  ["SWITCHOVER SWITCHING", "NOT ALLOWED", "it is a standby, and something stands in the way of going back"],
  ["TO PRIMARY", "TO STANDBY", "primary by a switchover: the others follow it, synchronised"],
  ["TO PRIMARY", "FAILOVER FLASHBACK", "the failover statement was accepted; no writes"],
  ["FAILOVER FLASHBACK", "FAILOVER CLEANUP", "all partitions stand at one point: role PRIMARY; writes, no DDL"],
  ["FAILOVER CLEANUP", "NOT ALLOWED", "freeze information and schemas are clean; no standby is synchronised"],
] as const;

/** Whether the table lists that transition. */
export function switchoverMayGo(from: SwitchoverStatus, to: SwitchoverStatus): boolean {
  const transitions: readonly (readonly [SwitchoverStatus, SwitchoverStatus, string])[] = SWITCHOVER_TRANSITIONS;
  return transitions.some(([source, target]) => source === from && target === to);
}
