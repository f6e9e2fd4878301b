/**
 * A program that owns a MariaDB cluster and never stops it; local.test.ts kills it and looks at what it leaves. Argument: a file to
 * write the data directory to.
 */
import { renameSync, writeFileSync } from "node:fs";
import { createMariadbCluster } from "../../packages/failover-plans/src/local-mariadb/index.ts";

const [note = ""] = process.argv.slice(2);
const cluster = await createMariadbCluster({ nodes: 1 });
writeFileSync(`${note}.new`, cluster.dataDir);
renameSync(`${note}.new`, note);
setInterval(() => undefined, 1000);
