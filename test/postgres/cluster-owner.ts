/**
 * A program that owns a cluster and ends without stopping it; embedded.test.ts and take-over.test.ts look at what it leaves.
 * Arguments: a file to write the data directory to, how to end: "wait" (to be killed), "return", "throw" or "exit", and how
 * many milliseconds its servers wait for another owner (default: they do not).
 */
import { renameSync, writeFileSync } from "node:fs";
import { createPostgresCluster } from "../../packages/failover-plans/src/embedded-postgres/index.ts";

const [note = "", ending, patience] = process.argv.slice(2);
const cluster = await createPostgresCluster({ nodes: 1 });
if (patience !== undefined) await cluster.outlive(Number(patience));
writeFileSync(`${note}.new`, cluster.dataDir);
renameSync(`${note}.new`, note);
if (ending === "wait") setInterval(() => undefined, 1000);
if (ending === "exit") process.exit(0);
if (ending === "throw") {
  queueMicrotask(() => {
    throw new Error("the owner's own bug");
  });
}
