/**
 * The part of Alibaba Cloud's client that the plan calls, by its shape: `@alicloud/polardb20170801` 1.0.0, whose calls answer the body
 * itself, and later ones, whose calls answer `{ body }`. The client is the caller's; this package depends on none.
 * Owns: telling a refusal of the endpoint from trouble on the way to it.
 */
import { NonRetryable } from "@belay/engine";
import { messageOf } from "../step/wait.ts";
import { refusalOfApiCode } from "./refusal.ts";

/** A node as DescribeDBClusterAttribute answers it. Later clients leave out what a node does not have. */
export interface AlibabaNode {
  readonly DBNodeId?: string;
  readonly DBNodeRole?: string;
  readonly DBNodeStatus?: string;
  readonly failoverPriority?: number;
  readonly hotReplicaMode?: string;
  readonly imciSwitch?: string;
  readonly zoneId?: string;
}

/** A cluster as DescribeDBClusterAttribute answers it. */
export interface AlibabaCluster {
  readonly DBClusterId?: string;
  readonly DBClusterStatus?: string;
  readonly DBType?: string;
  readonly lockMode?: string;
  readonly DBNodes?: readonly AlibabaNode[];
}

/** One item of DescribeHALogs. */
export interface AlibabaHaLogItem {
  readonly switchId?: string;
  readonly switchCauseCode?: string;
  readonly switchCauseDetail?: string;
  readonly switchStartTime?: string;
  readonly switchFinishTime?: string;
}

/** What DescribeHALogs answers. */
export interface AlibabaHaLogs {
  readonly haLogItems?: readonly AlibabaHaLogItem[];
}

type Answer<T> = T | { readonly body?: T };

/** The client. Its requests are made by `AlibabaModels`. */
export interface AlibabaClient {
  failoverDBCluster(request: never): Promise<unknown>;
  describeDBClusterAttribute(request: never): Promise<Answer<AlibabaCluster>>;
  /** Missing in 1.0.0: then the endpoint's log is not read. */
  describeHALogs?(request: never): Promise<Answer<AlibabaHaLogs>>;
}

/** A class of requests, as the client's module exports it. */
export interface AlibabaModel {
  new (fields: Readonly<Record<string, unknown>>): unknown;
  /** Names on the wire by field: a field that is not here would be dropped without a word. */
  names?(): Readonly<Record<string, string>>;
}

/** The classes of requests, as the client's module exports them. */
export interface AlibabaModels {
  readonly FailoverDBClusterRequest: AlibabaModel;
  readonly DescribeDBClusterAttributeRequest: AlibabaModel;
  readonly DescribeHALogsRequest?: AlibabaModel;
}

/** Makes a request of a client's own class. Code: OPTION_UNSUPPORTED, for a field that this version of the client would drop. */
export function requestOf(model: AlibabaModel, fields: Readonly<Record<string, unknown>>): never {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const known = model.names?.();
  const dropped = known === undefined ? [] : Object.keys(given).filter((field) => !Object.hasOwn(known, field));
  if (dropped.length > 0) {
    throw new NonRetryable(
      `this version of the client cannot send ${dropped.join(", ")}: take a later one, or leave the parameter out`,
      { code: "OPTION_UNSUPPORTED" },
    );
  }
  return new model(given) as never;
}

/** What a call answered, whichever version of the client made it. */
export function bodyOf<T extends object>(answer: Answer<T>): T {
  return "body" in answer && answer.body !== undefined ? answer.body : (answer as T);
}

/** Calls the endpoint. A refusal that has a word here becomes a `NonRetryable` with it; all else is trouble, and tells nothing. */
export async function ask<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const refusal = refusalOfApiCode(code);
    if (refusal === undefined) throw error;
    throw new NonRetryable(messageOf(error), { code: refusal, cause: error });
  }
}
