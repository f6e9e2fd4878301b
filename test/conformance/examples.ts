/**
 * Small cases in our own words, in the form of the data: facts of the six peers that anybody can check. They run on every
 * machine, so that mappers and comparers are tested where the data are not. Each says in what it differs.
 */
import type { AirflowCase } from "./airflow.ts";
import type { ArgoCase } from "./argo.ts";
import type { OcpCase } from "./ocp.ts";
import type { SplitCase } from "./ocp-split.ts";
import type { PromiseCase } from "./promise-graph.ts";
import type { TaskflowCase } from "./taskflow.ts";
import type { PeerCase } from "./verdict.ts";

export interface Example {
  readonly suite: string;
  readonly given: PeerCase;
  /** Names of facts, sorted; empty = the same. */
  readonly differsIn: readonly string[];
}

const FAIL_FAST = { onFailure: "reject", concurrency: null } as const;

/** fetch fails while build runs; deploy waits for both. */
const PGRAPH_FAILURE: PromiseCase = {
  id: "example: a failure beside a call that runs",
  graph: {
    nodes: [
      { id: "fetch", upstreams: [], behaviour: "fail", durationTicks: 1 },
      { id: "build", upstreams: [], behaviour: "ok", durationTicks: 3 },
      { id: "deploy", upstreams: ["fetch", "build"], behaviour: "ok", durationTicks: 1 },
    ],
  },
  policy: FAIL_FAST,
  expected: { rejects: true },
  measured: {
    events: ["fetch start", "build start", "fetch fail", "build end"],
    ran: ["build", "fetch"],
    settled: { ok: false },
    eventsBeforeSettle: 3,
    maxConcurrency: 2,
  },
};

const PGRAPH_CYCLE: PromiseCase = {
  id: "example: a cycle",
  graph: {
    nodes: [
      { id: "root", upstreams: [], behaviour: "ok" },
      { id: "egg", upstreams: ["root", "hen"], behaviour: "ok" },
      { id: "hen", upstreams: ["egg"], behaviour: "ok" },
    ],
  },
  policy: FAIL_FAST,
  expected: { rejectsAtBuild: true, cycleMembers: ["egg", "hen"] },
  measured: { buildError: "a cycle" },
};

/** Both leaves are given what the other root has made, if it is there. */
const ASYNC_INPUTS: PromiseCase = {
  id: "example: results of others",
  graph: {
    nodes: [
      { id: "read", upstreams: [], behaviour: "ok", durationMs: 10 },
      { id: "log", upstreams: [], behaviour: "ok", durationMs: 5 },
      { id: "write", upstreams: ["read"], behaviour: "ok", durationMs: 10 },
    ],
  },
  policy: FAIL_FAST,
  expected: {},
  measured: {
    events: ["read start", "log start", "log end", "read end", "write start", "write end"],
    completionOrder: ["log", "read", "write"],
    settled: { error: null, keys: ["log", "read", "write"] },
    settledTimes: 1,
    eventsBeforeSettle: 6,
    inputs: { read: [], log: [], write: ["log", "read"] },
  },
};

/** The second of three tasks fails, and its revert does, too. */
const TASKFLOW_REVERT: TaskflowCase = {
  id: "example: a revert that fails",
  graph: {
    nodes: [
      { id: "reserve", kind: "task", upstreams: [] },
      { id: "charge", kind: "task", upstreams: ["reserve"] },
      { id: "send", kind: "task", upstreams: ["charge"] },
    ],
    structure: { retry: null, children: ["reserve", "charge", "send"] },
  },
  runs: [
    {
      events: [
        ...["$flow RUNNING", "reserve RUNNING", "reserve SUCCESS", "charge RUNNING", "charge FAILURE"],
        ...["charge REVERTING", "charge REVERT_FAILURE", "$flow FAILURE"],
      ],
      final: { reserve: "SUCCESS", charge: "REVERT_FAILURE", send: "PENDING" },
      flowState: "FAILURE",
    },
  ],
};

/** A controller lets a scope of two tasks run twice. */
const TASKFLOW_RETRY: TaskflowCase = {
  id: "example: a scope that is retried",
  graph: {
    nodes: [
      { id: "twice", kind: "retry", upstreams: [] },
      { id: "open", kind: "task", upstreams: ["twice"] },
      { id: "copy", kind: "task", upstreams: ["open"] },
    ],
    structure: { retry: "twice", children: ["open", "copy"] },
  },
  runs: [
    {
      events: [
        ...["$flow RUNNING", "twice RUNNING", "twice SUCCESS", "open RUNNING", "open SUCCESS", "copy RUNNING"],
        ...["copy FAILURE", "copy REVERTING", "copy REVERTED", "open REVERTING", "open REVERTED", "twice RETRYING"],
        ...["open PENDING", "copy PENDING", "twice RUNNING", "twice SUCCESS", "open RUNNING", "open SUCCESS"],
        ...["copy RUNNING", "copy SUCCESS", "$flow SUCCESS"],
      ],
      final: { twice: "SUCCESS", open: "SUCCESS", copy: "SUCCESS" },
      flowState: "SUCCESS",
    },
  ],
};

const ARGO_GROUP: ArgoCase = {
  id: "example: any of a fan-out",
  kind: "depends-evaluation",
  graph: {
    nodes: [
      { id: "probe", depends: "group[probe-1,probe-2,probe-3]" },
      { id: "go", depends: "probe.AnySucceeded" },
    ],
  },
  steps: [
    {
      states: { "probe-1": "Failed", "probe-2": "Running", "probe-3": "Running" },
      evaluate: "go",
      expected: { proceed: false, execute: false },
    },
    {
      states: { "probe-1": "Failed", "probe-2": "Succeeded", "probe-3": "Running" },
      evaluate: "go",
      expected: { proceed: true, execute: true },
    },
    {
      states: { "probe-1": "Failed", "probe-2": "Failed", "probe-3": "Failed" },
      evaluate: "go",
      expected: { proceed: true, execute: false },
    },
  ],
};

/** It goes on when the check failed, or when both copies are there. */
const ARGO_MIXED: ArgoCase = {
  id: "example: mixed terms",
  kind: "depends-evaluation",
  graph: { nodes: [{ id: "go", depends: "check.Failed || (copy-1 && copy-2.Succeeded)" }] },
  steps: [
    {
      states: { check: "Succeeded", "copy-1": "Skipped", "copy-2": "Succeeded" },
      evaluate: "go",
      expected: { proceed: true, execute: true },
    },
    {
      states: { check: "Succeeded", "copy-1": "Succeeded", "copy-2": "Skipped" },
      evaluate: "go",
      expected: { proceed: true, execute: false },
    },
    {
      states: { check: "Failed", "copy-1": "Failed", "copy-2": "Failed" },
      evaluate: "go",
      expected: { proceed: true, execute: true },
    },
  ],
};

/** Nothing in a plan asks for members of a group in a condition. */
const ARGO_FAN_OUT: ArgoCase = {
  id: "example: a fan-out among mixed terms",
  kind: "depends-evaluation",
  graph: { nodes: [{ id: "go", depends: "check && probe.AnySucceeded" }] },
  steps: [{ states: {}, evaluate: "go", expected: { proceed: false, execute: false } }],
};

const AIRFLOW_SKIP: AirflowCase = {
  id: "example: a skip above",
  kind: "graph",
  graph: {
    nodes: [
      { id: "weekend", upstreams: [] },
      { id: "report", upstreams: ["weekend"] },
    ],
  },
  steps: [{ setStates: { weekend: "skipped" }, expectStates: { report: "skipped" } }],
};

const AIRFLOW_ORDER: AirflowCase = {
  id: "example: one success of two",
  kind: "graph",
  graph: {
    nodes: [
      { id: "east", upstreams: [] },
      { id: "west", upstreams: [] },
      { id: "serve", upstreams: ["east", "west"], triggerRule: "one_success" },
    ],
  },
  steps: [{ expectRunnable: ["east", "west"] }, { complete: ["west"], expectRunnable: ["east", "serve"] }],
};

/** The second of two nodes fails once more than it is retried, and the operator rolls back. */
const OCP_ROLLBACK: OcpCase = {
  id: "example: retried, then rolled back",
  graph: {
    nodes: [
      { id: "Lock cluster", upstreams: [] },
      { id: "Switch role", upstreams: ["Lock cluster"], retryCount: 1, behaviour: { execute: ["fail"] } },
    ],
  },
  commands: ["run", "rollback", "retry"],
  expected: {
    initial: { "Lock cluster": "READY", "Switch role": "PENDING" },
    task: { state: "SUCCESSFUL", operation: "ROLLBACK" },
    subtasks: { "Lock cluster": "PENDING", "Switch role": "PENDING" },
    log: [
      ...["Lock cluster EXECUTE ok", "Switch role EXECUTE fail", "Switch role RETRY.rollback ok"],
      ...["Switch role RETRY.run fail", "Switch role ROLLBACK ok", "Lock cluster ROLLBACK ok"],
    ],
    waves: [["Lock cluster"], ["Switch role"], ["Lock cluster"]],
    rejected: [["retry", "TASK_STATE_INVALID"]],
    runTime: { "Switch role": 2 },
  },
};

const OCP_SPLIT: SplitCase = {
  id: "example: a chain of two members",
  template: [
    { id: "stop", upstreams: [], splitKey: "hosts", splitMethod: "SERIAL" },
    { id: "report", upstreams: ["stop"] },
  ],
  lists: { hosts: [7, 9] },
  expected: {
    nodes: [
      { id: "stop#0", parallelIdx: 0, upstreams: [] },
      { id: "stop#1", parallelIdx: 1, upstreams: ["stop#0"] },
      { id: "report", parallelIdx: -1, upstreams: ["stop#1"] },
    ],
  },
};

export const EXAMPLES: readonly Example[] = [
  { suite: "pgraph", given: PGRAPH_FAILURE, differsIn: ["left running"] },
  { suite: "pgraph", given: PGRAPH_CYCLE, differsIn: [] },
  { suite: "async", given: ASYNC_INPUTS, differsIn: ["inputs"] },
  { suite: "taskflow", given: TASKFLOW_REVERT, differsIn: [] },
  { suite: "taskflow", given: TASKFLOW_RETRY, differsIn: ["attempts", "sequence", "undone"] },
  { suite: "argo", given: ARGO_GROUP, differsIn: [] },
  { suite: "argo", given: ARGO_MIXED, differsIn: [] },
  { suite: "argo", given: ARGO_FAN_OUT, differsIn: ["no counterpart"] },
  { suite: "airflow", given: AIRFLOW_SKIP, differsIn: ["states"] },
  { suite: "airflow", given: AIRFLOW_ORDER, differsIn: [] },
  { suite: "ocp", given: OCP_ROLLBACK, differsIn: [] },
  { suite: "ocp", given: OCP_SPLIT, differsIn: [] },
];

/** The same cases with one fact of the peer falsified: a comparison must notice. */
export const FALSIFIED: readonly Example[] = [
  {
    suite: "pgraph",
    given: { ...PGRAPH_FAILURE, measured: { ...PGRAPH_FAILURE.measured, ran: ["fetch"] } } as PromiseCase,
    differsIn: ["left running", "ran"],
  },
  {
    suite: "async",
    given: {
      ...ASYNC_INPUTS,
      measured: { ...ASYNC_INPUTS.measured, completionOrder: ["read", "log", "write"] },
    } as PromiseCase,
    differsIn: ["completions", "inputs"],
  },
  {
    suite: "taskflow",
    given: {
      ...TASKFLOW_REVERT,
      runs: TASKFLOW_REVERT.runs.map((run) => ({ ...run, final: { ...run.final, reserve: "REVERTED" } })),
    } as TaskflowCase,
    differsIn: ["final"],
  },
  {
    suite: "ocp",
    given: {
      ...OCP_ROLLBACK,
      expected: { ...OCP_ROLLBACK.expected, waves: [["Switch role"], ["Lock cluster"]] },
    } as OcpCase,
    differsIn: ["waves"],
  },
  {
    suite: "argo",
    given: {
      ...ARGO_GROUP,
      steps: ARGO_GROUP.steps.map((step) => ({ ...step, expected: { proceed: true, execute: true } })),
    } as ArgoCase,
    differsIn: ["execute", "proceed"],
  },
  {
    suite: "airflow",
    given: {
      ...AIRFLOW_ORDER,
      steps: [{ expectRunnable: ["east", "west"] }, { complete: ["west"], expectRunnable: ["east"] }],
    } as AirflowCase,
    differsIn: ["runnable"],
  },
];
