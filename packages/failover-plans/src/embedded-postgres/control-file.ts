/**
 * Reads pg_control, the file in which PostgreSQL notes how its data directory was left. The npm binaries come without
 * pg_controldata, so the few fields a plan needs are read here.
 *
 * The layout is that of pg_control.h in PostgreSQL 13 to 18 (versions 1300 to 1800), little-endian, as on every platform the
 * binaries exist for. Another version is refused, never guessed at.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import type { ControlState } from "../postgres/ports.ts";

/** Layout versions whose fields stand where this file reads them. */
const KNOWN_VERSIONS: ReadonlySet<number> = new Set([1300, 1700, 1800]);

/** DB_SHUTDOWNED of the server's DBState: a primary that wrote its shutdown checkpoint. A standby that ended writes another. */
const SHUT_DOWN = 1;

/** Byte offsets in ControlFileData. */
const OFFSET = { systemIdentifier: 0, version: 8, state: 16, checkpoint: 32, timeline: 48 } as const;

/** Only meaningful while the server is stopped. Throws STATE_INVALID for a layout it does not know. */
export async function readControlFile(directory: string): Promise<ControlState> {
  const bytes = await readFile(join(directory, "global", "pg_control"));
  const version = bytes.readUInt32LE(OFFSET.version);
  if (!KNOWN_VERSIONS.has(version)) {
    throw new BelayError("STATE_INVALID", `${directory}: pg_control has version ${version}, which is not known here`);
  }
  return {
    cleanShutdown: bytes.readUInt32LE(OFFSET.state) === SHUT_DOWN,
    checkpointLsn: formatLsn(bytes.readBigUInt64LE(OFFSET.checkpoint)),
    timeline: bytes.readUInt32LE(OFFSET.timeline),
    systemIdentifier: String(bytes.readBigUInt64LE(OFFSET.systemIdentifier)),
  };
}

/** As PostgreSQL prints it: two hexadecimal halves. */
function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
}
