/** The address a server tells of itself. */
import { networkInterfaces } from "node:os";

const EVERY_ADDRESS = new Set(["0.0.0.0", "::"]);

/** What it listens on; when that is every address, the first one by which others reach this machine. */
export function serverAddress(host: string): string {
  if (!EVERY_ADDRESS.has(host)) return host;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}
