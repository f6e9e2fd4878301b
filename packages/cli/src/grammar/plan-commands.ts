/** The commands about plans: check, graph, run, and the demos. */
import { type Command, Option } from "commander";
import { checkCommand } from "../commands/check.ts";
import { demoCommand } from "../commands/demo.ts";
import { GRAPH_FORMATS, graphCommand } from "../commands/graph.ts";
import { runCommand } from "../commands/run.ts";
import { DEMO_NAMES, type DemoName, type DemoWords } from "../demo/demo-options.ts";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "../usage-error.ts";
import { type AddCommands, addSurroundings, dbOption, JSON_EVENTS, onFailure, wholeNumber } from "./options.ts";

export const addPlanCommands: AddCommands = (program, context, exit) => {
  program.commandsGroup("Plans:");
  program
    .command("check")
    .description("check plans and print everything that is wrong with them")
    .argument("<file...>", "plans, YAML or JSON")
    .option("--json", "one JSON object per file")
    .action(async (files: string[], options: { json?: boolean }) => exit(await checkCommand(files, options, context)));
  program
    .command("graph")
    .description("draw a plan")
    .argument("<file>", "plan, YAML or JSON")
    .addOption(new Option("-f, --format <format>", "what to draw it as").choices(GRAPH_FORMATS).default("mermaid"))
    .action(async (file: string, options: { format: (typeof GRAPH_FORMATS)[number] }) =>
      exit(await graphCommand(file, options, context)),
    );
  addRun(program).action(async (file: string, options: object) => exit(await runCommand(file, options, context)));
  addDemo(program).action(async (name: DemoName, options: DemoWords) =>
    exit(await demoCommand(name, options, context)),
  );
};

function addRun(program: Command): Command {
  const command = program
    .command("run")
    .description("run a plan and show its progress")
    .argument("<file>", "plan, YAML or JSON")
    .option("-p, --params <values...>", "parameters: name=value, or @file with a JSON or YAML mapping");
  return addSurroundings(command, "a plan that belay.plan may run, under its name; once for each")
    .addOption(dbOption("keep the run in this file: it survives its process"))
    .option("--json", JSON_EVENTS)
    .addOption(onFailure())
    .option("--client-token <token>", "start at most one run for this token")
    .addHelpText(
      "after",
      `
The module exports \`actions\` (an object of functions by name), or has one as
its default export, or exports the functions. Ctrl-C cancels the run and waits
for it to rest; a second one ends everything at once: with --db, belay recover
goes on.`,
    );
}

function addDemo(program: Command): Command {
  return program
    .command("demo")
    .description(`live demonstrations: ${DEMO_NAMES.join(", ")}`)
    .argument("<name>", DEMO_NAMES.join(", "), demoName)
    .option("--fail <node>", "let this node fail")
    .addOption(new Option("--fail-when <when>", "before or after its action took effect").choices(["before", "after"]))
    .addOption(onFailure())
    .addOption(dbOption("keep the run in this file: it survives its process, its servers for 15 minutes"))
    .option("--writers <number>", "clients that write during the failover (default: 8)", wholeNumber(1, 64))
    .option("--nodes <number>", "servers of the cluster (default: 3)", wholeNumber(2, 9))
    .option("--json", JSON_EVENTS)
    .option("--keep", "keep data and logs of the servers")
    .addHelpText(
      "after",
      `
--writers and --nodes are for the demos on PostgreSQL and MariaDB servers,
polardb-failover included, --keep for those on PostgreSQL. The MariaDB demos
and mysql-failover, which runs on MariaDB too, need mariadbd: Debian's package
mariadb-server-core has it. They do not take --db.`,
    );
}

function demoName(text: string): DemoName {
  const name = DEMO_NAMES.find((known) => known === text);
  if (name !== undefined) return name;
  throw new UsageError(`unknown demo '${text}'${didYouMean(text, DEMO_NAMES)}; there are ${DEMO_NAMES.join(", ")}`);
}
