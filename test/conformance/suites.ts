/** The suites that are compared, one per peer: what the tests go through. */
import { AIRFLOW } from "./airflow.ts";
import { ARGO } from "./argo.ts";
import { ASYNC } from "./async.ts";
import { OCP } from "./ocp.ts";
import { PGRAPH } from "./pgraph.ts";
import { TASKFLOW } from "./taskflow.ts";
import type { PeerCase, Suite } from "./verdict.ts";

/** Each reads its own form of case: a suite is only ever given the cases of its own file. */
export const SUITES: readonly Suite<PeerCase>[] = [TASKFLOW, PGRAPH, ASYNC, ARGO, AIRFLOW, OCP] as unknown as Suite[];
