/** The operator's verbs as commands. */
import type { Command } from "commander";
import { type PreviewOptions, previewCommand } from "../commands/preview.ts";
import { verbCommand } from "../commands/verb.ts";
import type { VerbCommandOptions } from "../commands/verb-answer.ts";
import { VERBS, type VerbSpec } from "../database/ask-owner.ts";
import { type AddCommands, addSurroundings, JSON_EVENTS, neededDb, secretsOption, wholeNumber } from "./options.ts";

/** Seconds to wait for an answer. */
const WAIT = 30;
const MOST_WAIT = 86_400;

export const addVerbCommands: AddCommands = (program, context, exit) => {
  program.commandsGroup("What operators ask of a run:");
  addPreview(program, context, exit);
  for (const [word, spec] of Object.entries(VERBS)) {
    const command = addWords(program.command(word).description(spec.description), spec)
      .option("--who <name>", "who asks (default: your user name)")
      .option("--why <text>", "why: a sentence, a ticket")
      .option("--request-id <id>", "names the request: asked again under it, it is done once")
      .option("--wait <seconds>", "how long to wait for who executes the run", wholeNumber(0, MOST_WAIT), WAIT)
      .option("--ask-only", "ask whoever executes the run, now or later, and do not wait");
    addSurroundings(command, "as in belay recover").addOption(secretsOption()).option("--json", JSON_EVENTS);
    command
      .addHelpText(
        "after",
        `
A run that another process executes is asked there, and its answer is waited
for. One that nobody executes is taken up here, as belay recover does, and
followed to its rest.`,
      )
      .action(async (...given: unknown[]) => {
        // Commander gives the arguments, then the options, then the command itself.
        const options = given.at(-2) as VerbCommandOptions;
        const words = given.slice(0, -2).filter((one): one is string => typeof one === "string");
        exit(await verbCommand(word, words, options, context));
      });
  }
};

const addPreview: AddCommands = (program, context, exit) => {
  program
    .command("preview")
    .description("say what a verb would do, without doing it")
    .argument("<verb>", Object.keys(VERBS).join(", "))
    .argument("[run]", "its id, or the beginning of it")
    .argument("[node]", "the node, for a verb that takes one")
    .addOption(neededDb())
    .option("--latest", "the run that was started last, instead of its id")
    .option("--to <where>", `of a rollback: "barrier", or the node that is to stand`)
    .option("--output <json>", "of skip and signal: what becomes the node's output")
    .option("--json", "the answer as one JSON object")
    .action(async (...given: unknown[]) => {
      const [verb = "", ...words] = given.slice(0, -2).filter((one): one is string => typeof one === "string");
      exit(await previewCommand(verb, words, given.at(-2) as PreviewOptions, context));
    });
};

/** The words that a verb takes, and the options of its own. */
export function addWords(command: Command, { node, options }: VerbSpec): Command {
  command.argument("[run]", "its id, or the beginning of it");
  if (node !== "none") command.argument("[node]", node === "first" ? "the node" : "a node; without it all of them");
  command.addOption(neededDb()).option("--latest", "the run that was started last, instead of its id");
  if (options.includes("to")) command.option("--to <where>", `"barrier": what is safe; or the node that is to stand`);
  if (options.includes("output")) command.option("--output <json>", "what becomes the node's output");
  return command;
}
