/** The command about the server: serve. */
import { Option } from "commander";
import { serveCommand } from "../commands/serve.ts";
import { type AddCommands, wholeNumber } from "./options.ts";

const HIGHEST_PORT = 65_535;
const ONE_DAY = 86_400;

export const addServerCommands: AddCommands = (program, context, exit) => {
  program.commandsGroup("Server:");
  program
    .command("serve")
    .description("serve the native API, OCP's and PolarDB's over HTTP")
    .option("-c, --config <file>", "settings, YAML or JSON; variables and flags count before it")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 = any (default: 8080)", wholeNumber(0, HIGHEST_PORT))
    .option("--data <dir>", "directory of the journal and the audit log (default: in memory)")
    .option("--journal <url>", "postgres://..., instead of a SQLite file in the data directory")
    .option("--site <module>", "JavaScript or TypeScript module of the actions and clusters")
    .option("--plans <dir...>", "directories of further plans")
    .option("--demo", "stand in front of clusters made for it on this machine")
    .addOption(
      new Option(
        "--switch-interval <seconds>",
        "PolarDB: refuse a switch so soon after another, 0 = never (default: 600)",
      ).argParser(wholeNumber(0, ONE_DAY)),
    )
    .option("--user <name>", "user with a password, role admin")
    .option("--password <text>", "the user's password; better: BELAY_PASSWORD")
    .option("--access-key-id <id>", "access key for signed requests, role admin")
    .option("--access-key-secret <text>", "its secret; better: BELAY_ACCESS_KEY_SECRET")
    .option("--token <text>", "bearer token, role admin; better: BELAY_TOKEN")
    .addHelpText(
      "after",
      `
Each flag has a variable: BELAY_CONFIG, BELAY_HOST, BELAY_PORT, BELAY_DATA,
BELAY_JOURNAL, BELAY_SITE, BELAY_SWITCH_INTERVAL, BELAY_USER, BELAY_PASSWORD,
BELAY_ACCESS_KEY_ID, BELAY_ACCESS_KEY_SECRET, BELAY_TOKEN. The demo's user is
admin with password belay-demo, its access key demo-ak with secret demo-sk;
they are refused on any address but loopback ones. Ctrl-C, or SIGTERM, ends it:
what runs is journaled and goes on at the next start.`,
    )
    .action(async (flags: object) => exit(await serveCommand(flags, context)));
};
