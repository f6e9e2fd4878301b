/**
 * `belay demo oceanbase-failover`: OCP's failover plan, node by node, on clusters in memory. Takes a few seconds, so that
 * there is something to watch, and shows the statements that a real cluster would have been given.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { loadPlan } from "@belay/failover-plans";
import { createOceanBaseModel, type OceanBaseModel, oceanBaseActions } from "@belay/failover-plans/oceanbase";
import type { Context } from "../context.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { withOnFailure } from "../plan-file.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import { outcomeLines } from "../render/outcome.ts";
import { commandLine } from "../shell.ts";
import type { DemoOptions } from "./demo-options.ts";
import { checkFailNode, runPlan, withFailure } from "./run-plan.ts";

const PRIMARY = 1;
const STANDBY = 2;
/** Each call of the model takes this long. */
const CALL_MS = 120;
const POLL_MS = 200;

export async function oceanBaseDemo(options: DemoOptions, { terminal, interrupts }: Context): Promise<ExitCode> {
  const plan = withOnFailure(loadPlan("oceanbase-failover"), options.onFailure);
  checkFailNode(plan, options);
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const model = clusters();
  renderer.say(`two clusters in memory; every server of the primary, cluster ${PRIMARY}, is down`);
  model.stopCluster(PRIMARY);
  const actions = withFailure(oceanBaseActions(model, { pollIntervalMs: POLL_MS }), plan, options);
  const snapshot = await runPlan({ plan, actions, params: { clusterId: STANDBY } }, renderer, interrupts.signal);
  if (renderer instanceof JsonRenderer) {
    renderer.record({ type: "report", statements: model.statements });
    renderer.rest(snapshot);
  } else {
    renderer.rest(snapshot);
    const lines = [...statements(model), "", ...outcomeLines(snapshot, nextCommands(options), terminal.out.colors)];
    for (const line of lines) terminal.out.line(line);
  }
  return interrupts.signal.aborted ? ExitCode.INTERRUPTED : exitCodeOf(snapshot.status);
}

function clusters(): OceanBaseModel {
  const before = async (): Promise<void> => {
    await sleep(CALL_MS);
  };
  return createOceanBaseModel(
    [
      { clusterId: PRIMARY, name: "obcluster_primary", role: "PRIMARY" },
      { clusterId: STANDBY, name: "obcluster_standby", role: "PHYSICAL STANDBY" },
    ],
    { flashbackRounds: 2, cleanupLooks: 2, before },
  );
}

function statements({ statements: given }: OceanBaseModel): string[] {
  if (given.length === 0) return ["", "No statement changed a cluster."];
  return ["", "Statements that changed a cluster:", ...given.map((statement) => `  ${statement}`)];
}

function nextCommands({ fail, failWhen }: DemoOptions): { readonly again: string; readonly rollback: string } {
  const words = ["belay", "demo", "oceanbase-failover"];
  const failing = [...words, ...(fail === undefined ? [] : ["--fail", fail])];
  if (failWhen !== undefined) failing.push("--fail-when", failWhen);
  return { again: commandLine(words), rollback: commandLine([...failing, "--on-failure", "rollback"]) };
}
