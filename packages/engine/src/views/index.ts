/**
 * `@belay/engine/views`: a plan to look at and to ask, before it runs and with the state of a run. Drawings, the plan
 * as a graphology graph, what can be said of it, what differs between two plans, and OCP's task view. Nothing here
 * changes a run.
 */
export { analyzePlan, type PlanAnalysis, type PlanGraphNode, planGraph } from "../plan/graph.ts";
export { changedNodes } from "../plan/identity.ts";
export { toDot } from "./dot.ts";
export {
  type GraphEdge,
  type GraphGroup,
  type GraphJson,
  type GraphMember,
  type GraphNode,
  toGraphJson,
} from "./graph-json.ts";
export { toMermaid } from "./mermaid.ts";
export { ocpIdentity } from "./ocp-identity.ts";
export { taskStatus } from "./ocp-status.ts";
export {
  type OcpEnvelope,
  type OcpSubtask,
  type OcpSubtaskStatus,
  type OcpTask,
  type OcpTaskOptions,
  type OcpTaskStatus,
  toOcpEnvelope,
  toOcpTask,
  withOffset,
} from "./ocp-task.ts";
