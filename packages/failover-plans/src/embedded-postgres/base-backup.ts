/**
 * Copies a running server's data directory over its replication protocol (BASE_BACKUP), as pg_basebackup does; the npm
 * binaries come without that program. Works across hosts, and holds a few messages in memory however large the database is:
 * what the disk has not taken is not read from the socket.
 *
 * Refuses what does not stay inside the directory: names that climb out, links (tablespaces), devices.
 */
import { once } from "node:events";
import type { Writable } from "node:stream";
import { BelayError } from "@belay/engine";
import tar from "tar-fs";
import type { ServerUser } from "../local-servers/server-user.ts";
import { openReplication } from "../postgres/client.ts";
import type { PostgresNode } from "../postgres/ports.ts";

/** First byte of a copy message: a new archive begins, or a piece of the present one. Others carry progress. */
const NEW_ARCHIVE = 0x6e;
const ARCHIVE_DATA = 0x64;

/** Everything needed to start from the copy, its WAL included; the checkpoint is made now rather than when one is due. */
const COMMAND = "BASE_BACKUP (LABEL 'belay', CHECKPOINT 'fast', WAL true, MANIFEST 'no', PROGRESS false)";

/** Where a base backup goes. */
export interface BackupTarget {
  /** Empty. */
  readonly directory: string;
  /** Whose files they become; null = one's own. */
  readonly user: ServerUser | null;
  /** Ends the copy with its reason. */
  readonly signal: AbortSignal | undefined;
}

/** Unpacks a base backup of `source`. Answers the bytes received. The caller removes half a copy. */
export async function takeBaseBackup(source: PostgresNode, { directory, user, signal }: BackupTarget): Promise<number> {
  const unpack = unpackInto(directory, user);
  const unpacked = endOf(unpack);
  const session = await openReplication(source, signal === undefined ? {} : { signal });
  let bytes = 0;
  let archives = 0;
  try {
    await session.copyOut(COMMAND, async (message) => {
      if (message[0] === NEW_ARCHIVE) archives += 1;
      if (archives > 1) throw refusal(source, "it has tablespaces outside its data directory");
      if (message[0] !== ARCHIVE_DATA) return;
      bytes += message.length - 1;
      if (unpack.destroyed) return await unpacked;
      if (!unpack.write(message.subarray(1))) await Promise.race([once(unpack, "drain"), unpacked]);
    });
    unpack.end();
    await unpacked;
    return bytes;
  } catch (error) {
    unpack.destroy();
    throw error;
  } finally {
    await session.end();
  }
}

function unpackInto(directory: string, user: ServerUser | null): Writable {
  const unpack = tar.extract(directory, {
    // Checkpoint-time modification dates mean nothing to the server.
    utimes: false,
    ignore: (_path, header) => {
      const fault = header === undefined ? "entry without a header" : faultOf(header);
      if (fault === null) return false;
      unpack.destroy(new BelayError("STATE_INVALID", `base backup refused: ${fault}`));
      return true;
    },
    map: (header) => (user === null ? header : { ...header, uid: user.uid, gid: user.gid }),
  });
  return unpack;
}

/** Settles when everything is on disk or unpacking failed. Observed: a failure between two writes is no unhandled rejection. */
function endOf(unpack: Writable): Promise<void> {
  const unpacked = new Promise<void>((resolve, reject) => {
    unpack.once("finish", resolve);
    unpack.once("error", reject);
    unpack.once("close", () => reject(new Error("unpacking was cut short")));
  });
  unpacked.catch(() => undefined);
  return unpacked;
}

/** Why an entry may not be unpacked; null when it may. */
function faultOf(header: { readonly name: string; readonly type?: string | null }): string | null {
  if (header.type !== "file" && header.type !== "directory") return `"${header.name}" is a ${header.type}`;
  if (header.name.startsWith("/") || header.name.split("/").includes("..")) return `"${header.name}" leads outside`;
  return null;
}

function refusal(source: PostgresNode, why: string): BelayError {
  return new BelayError("STATE_INVALID", `${source.name} cannot be copied: ${why}`);
}
