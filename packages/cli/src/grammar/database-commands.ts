/** The commands about runs that a file keeps: taking them up, looking at them, dropping them. */
import { type Command, Option } from "commander";
import { exportCommand } from "../commands/export.ts";
import { logsCommand } from "../commands/logs.ts";
import { type PruneOptions, pruneCommand } from "../commands/prune.ts";
import { type RecoverOptions, recoverCommand } from "../commands/recover.ts";
import { type RunsOptions, runsCommand } from "../commands/runs.ts";
import { type ShowOptions, showCommand } from "../commands/show.ts";
import { RUN_STATUSES } from "../render/status.ts";
import { type AddCommands, addSurroundings, JSON_EVENTS, neededDb, secretsOption, span } from "./options.ts";

export const addDatabaseCommands: AddCommands = (program, context, exit) => {
  program.commandsGroup("Runs that a file keeps:");
  const recover = program
    .command("recover")
    .description("take up the runs that their process left, and follow them to their rest")
    .argument("[run...]", "only these: ids, or beginnings of ids")
    .addOption(neededDb());
  addSurroundings(recover, "a plan that belay.plan may run, and that runs are expected to follow; once for each")
    .addOption(secretsOption())
    .option("--json", JSON_EVENTS)
    .addHelpText(
      "after",
      `
A run is taken up with the module, the plans and the pools that it was started
with; --actions, --plan and --pool say others, which is noted when they are
taken. An attempt that was cut off is
run again when its action is idempotent, asked for when it can verify, else
left to you.`,
    )
    .action(async (runs: string[], options: RecoverOptions) => exit(await recoverCommand(runs, options, context)));
  program
    .command("runs")
    .description("list the runs of a file")
    .addOption(neededDb())
    .addOption(new Option("--status <status...>", "only runs of these statuses").choices(RUN_STATUSES))
    .option("--json", "one JSON object per run")
    .action(async (options: RunsOptions) => exit(await runsCommand(options, context)));
  addLook(program, "show", "show a run: its nodes, what failed, what waits, what can be done")
    .option("--json", "the snapshot as one JSON object")
    .action(async (run: string | undefined, options: ShowOptions) => exit(await showCommand(run, options, context)));
  addLook(program, "logs", "print what a run's actions logged, and who asked what of it, in vain too")
    .option("--json", "one JSON object per line")
    .action(async (run: string | undefined, options: ShowOptions) => exit(await logsCommand(run, options, context)));
  addLook(program, "export", "print a run as lines of JSON, sealed").action(
    async (run: string | undefined, options: ShowOptions) => exit(await exportCommand(run, options, context)),
  );
  program
    .command("prune")
    .description("drop runs that have ended")
    .addOption(neededDb())
    .addOption(
      new Option("--older-than <span>", "since their end: 30d, 12h, ...").argParser(span).makeOptionMandatory(),
    )
    .option("--json", "the number as a JSON object")
    .action(async (options: PruneOptions) => exit(await pruneCommand(options, context)));
};

function addLook(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument("[run]", "its id, or the beginning of it")
    .addOption(neededDb())
    .option("--latest", "the run that was started last");
}
