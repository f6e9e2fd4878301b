/** One call of an action, authenticated: what the table of actions hands to each of them. */
import type { Asker } from "../host/host.ts";
import type { Caller } from "./authenticate.ts";
import type { Params } from "./parameters.ts";

/** See the head of this file. */
export interface RpcCall {
  /** Name of the action. */
  readonly action: string;
  readonly params: Params;
  readonly caller: Caller;
  readonly asker: Asker;
  /** RequestId of the answer, unless the action has another one. */
  readonly requestId: string;
}
