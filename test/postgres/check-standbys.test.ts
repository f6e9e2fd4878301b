/** What of a standby's settings may be journaled. */
import { expect, test } from "vitest";
import { journalable } from "../../packages/failover-plans/src/postgres/check-standbys.ts";

test.each([
  "host=a password=s3cret",
  "host=a PASSWORD = 's3cret'",
  "host=a sslpassword=s3cret",
  "host=a oauth_client_secret=s3cret",
  "postgresql://user:s3cret@a/db",
  "postgres://a/db?sslpassword=s3cret",
  "",
])("not journaled: %s", (conninfo) => {
  expect(journalable(conninfo)).toBeNull();
});

test("a connection string without secrets is kept as it was written", () => {
  const conninfo = "host=a port=5432 user=u passfile='/var/pass' application_name=pg2";
  expect(journalable(conninfo)).toBe(conninfo);
});
