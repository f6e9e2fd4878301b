/** `belay serve`: the server, until it is told to end. The server's code is loaded only for this command. */
import type { Flags } from "@belay/server";
import type { Context } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { secretSettings } from "../secret-key.ts";

/** Prints one line when it is ready; everything else is said on stderr. Fails as the server does. */
export async function serveCommand(flags: Flags, { terminal, interrupts }: Context): Promise<ExitCode> {
  const { readSettings, startServer } = await import("@belay/server");
  const settings = await readSettings(flags, process.env);
  const { secrets } = await secretSettings(process.env);
  const log = (line: string): void => terminal.err.line(line);
  const server = await startServer(settings, { log, ...(secrets === undefined ? {} : { secrets }) });
  if (settings.drawnToken !== null) log(`nobody is configured; for this start only: Bearer ${settings.drawnToken}`);
  if (settings.demo)
    log("the demo's user, password and access key are those of belay serve --help, unless others were given");
  if (settings.data === null) log("runs are kept in memory: give --data DIR to keep them");
  terminal.out.line(`belay listens on ${server.url}`);
  await new Promise<void>((resolve) => {
    if (interrupts.signal.aborted) resolve();
    interrupts.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  log("going down: what runs is kept, and goes on at the next start");
  await server.close({ keep: settings.data !== null });
  return ExitCode.OK;
}
