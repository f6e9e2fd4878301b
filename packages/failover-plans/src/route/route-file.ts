/**
 * A route kept in a directory: one file per epoch, named by it, and the highest is the present one. Publishing links a complete
 * file under the epoch's name, which the file system lets only one process do; so no lock exists that a killed process could
 * leave behind, a reader never sees half an entry, and the directory is the history of all switches.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import { writeWhole } from "../local-servers/whole-file.ts";
import type { Route, RouteEntry } from "./route.ts";

/** Before anything was published. */
const NOTHING: RouteEntry = { writer: null, epoch: 0 };

/** Opens the route in `directory`, made when absent. Several processes may use one directory. */
export async function openRoute(directory: string): Promise<Route> {
  await mkdir(directory, { recursive: true });
  // Entries never change, so the one read last is read again only when a higher epoch appeared.
  let latest = NOTHING;

  async function current(): Promise<RouteEntry> {
    let highest = latest.epoch;
    for (const name of await readdir(directory)) if (/^\d+$/.test(name)) highest = Math.max(highest, Number(name));
    if (highest > latest.epoch) {
      const { writer } = JSON.parse(await readFile(join(directory, String(highest)), "utf8")) as {
        writer: string | null;
      };
      // Another call may have read a higher one meanwhile.
      if (highest > latest.epoch) latest = { writer, epoch: highest };
    }
    return latest;
  }

  async function publish(writer: string | null, epoch: number): Promise<boolean> {
    if (!Number.isSafeInteger(epoch) || epoch < 1) {
      throw new BelayError("INVALID_ARGUMENT", `an epoch is a whole number from 1 on: ${epoch}`);
    }
    const before = await current();
    if (before.epoch >= epoch) return before.epoch === epoch && before.writer === writer;
    const aside = join(directory, `.${randomBytes(6).toString("hex")}`);
    try {
      await writeWhole(aside, JSON.stringify({ writer, at: new Date().toISOString() }), null);
      await link(aside, join(directory, String(epoch)));
    } catch (error) {
      // Another process has just published this epoch: the comparison below decides.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      await rm(aside, { force: true });
    }
    // A higher epoch may have come between: then this one was never the present one.
    const after = await current();
    return after.epoch === epoch && after.writer === writer;
  }

  return { current, publish };
}
