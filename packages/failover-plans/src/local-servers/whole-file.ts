/** Files that a server or another process reads: either the old one or the new one, never half of it. */
import { open, rename } from "node:fs/promises";
import type { ServerUser } from "./server-user.ts";

/** Replaces a file in one step, readable by the server only, on disk when this returns. */
export async function writeWhole(file: string, text: string, user: ServerUser | null): Promise<void> {
  const aside = `${file}.new`;
  const handle = await open(aside, "w", 0o600);
  try {
    if (user !== null) await handle.chown(user.uid, user.gid);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(aside, file);
}
