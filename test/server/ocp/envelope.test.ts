/** Times and addresses in OCP's envelope, as they are configured. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings } from "@belay/server";
import { expect, test } from "vitest";
import { Envelopes, traceIdOf } from "../../../packages/server/src/ocp/envelope.ts";
import { serverAddress } from "../../../packages/server/src/ocp/server-address.ts";
import { SEED_START } from "./rig.ts";

const timeAt = (utcOffsetMinutes: number | null): string =>
  new Envelopes({ address: "", utcOffsetMinutes, now: () => SEED_START }).time(SEED_START);

test("times are written with the offset that is configured, else with that of the machine's zone then", () => {
  expect(timeAt(480)).toBe("2022-09-05T13:39:18.441+08:00");
  expect(timeAt(-210)).toBe("2022-09-05T02:09:18.441-03:30");
  expect(timeAt(0)).toBe("2022-09-05T05:39:18.441+00:00");
  const zone = -new Date(SEED_START).getTimezoneOffset();
  expect(timeAt(null)).toBe(timeAt(zone));
  expect(Date.parse(timeAt(null))).toBe(SEED_START);
});

test("the offset is a setting, checked", async () => {
  const directory = await mkdtemp(join(tmpdir(), "belay-ocp-"));
  const config = join(directory, "belay.yaml");
  try {
    await writeFile(config, "ocp: { utcOffsetMinutes: 330 }\n");
    expect((await readSettings({ config }, {})).utcOffsetMinutes).toBe(330);
    await writeFile(config, "ocp: { utcOffsetMinutes: 1440 }\n");
    await expect(readSettings({ config }, {})).rejects.toThrow("ocp.utcOffsetMinutes");
    expect((await readSettings({}, {})).utcOffsetMinutes).toBeNull();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a server tells the address on which it listens; one that listens on all, an address", () => {
  expect(["127.0.0.1", "10.1.2.3", "::1"].map(serverAddress)).toEqual(["127.0.0.1", "10.1.2.3", "::1"]);
  expect(serverAddress("0.0.0.0")).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(serverAddress("0.0.0.0")).not.toBe("0.0.0.0");
});

test("a trace id is the beginning of the request's id, 16 hex digits", () => {
  expect(traceIdOf("0123ABCD-4567-89AB-CDEF-0123456789AB")).toBe("0123abcd456789ab");
});
