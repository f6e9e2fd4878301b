/** A secret parameter is seen by the step that needs it, and by nobody else: no answer, event, line, trail or file has it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryJournal } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AuditLog } from "../../../packages/server/src/host/audit-log.ts";
import { createRig, type Rig } from "../native/rig.ts";

const SECRET = "hunter2-Zx9-quite-secret";
const FORMS = [SECRET, Buffer.from(SECRET).toString("base64"), Buffer.from(SECRET).toString("hex")];

let directory: string;
let file: string;
let journal: MemoryJournal;
let rig: Rig;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "belay-audit-"));
  file = join(directory, "audit.jsonl");
  journal = new MemoryJournal();
  rig = await createRig({ audit: await AuditLog.open(file), journal });
});
afterEach(async () => {
  await rig.close();
  await rm(directory, { recursive: true });
});

function expectNoSecret(texts: Readonly<Record<string, string>>): void {
  for (const [place, text] of Object.entries(texts)) {
    for (const form of FORMS) expect(text.includes(form), `${place} has ${form}`).toBe(false);
  }
}

test.each([false, true])("R46: nothing that is read has it, whether the step fails or not (%s)", async (fail) => {
  const why = `because ${SECRET} expired`;
  const params = { password: SECRET, fail };
  const validated = await rig.call("POST", "/v1/runs", {
    body: { plan: "secretive", params, validateOnly: true, why },
  });
  const started = await rig.call("POST", "/v1/runs", { body: { plan: "secretive", params, why, clientToken: "t" } });
  const path = `/v1/runs/${started.json.id}`;
  const streaming = rig.app.inject({
    url: `${path}/events`,
    headers: { host: "127.0.0.1", authorization: "Bearer vera-token" },
  });
  await settleTurns();
  await rig.host.engine.run(started.json.id)?.settled();
  if (fail) await rig.call("POST", `${path}/abandon`, { body: { why } });
  const mismatch = await rig.call("POST", "/v1/runs", {
    body: { plan: "secretive", params: { ...params, password: `${SECRET}!` }, clientToken: "t" },
  });
  expect(mismatch.json.error.code).toBe("IDEMPOTENT_PARAMETER_MISMATCH");
  const wrong = await rig.call("POST", "/v1/runs", {
    body: { plan: "secretive", params: { ...params, [SECRET.slice(0, 3)]: 1 } },
  });
  const texts: Record<string, string> = {
    validated: validated.text,
    started: started.text,
    events: (await streaming).body,
    mismatch: mismatch.text,
    wrong: wrong.text,
    journal: JSON.stringify([journal.read(started.json.id), journal.logs(started.json.id), journal.list()]),
  };
  for (const part of ["", "/logs", "/audit"]) texts[`run${part}`] = (await rig.call("GET", `${path}${part}`)).text;
  for (const all of ["/v1/runs", "/v1/audit", "/v1/locks"]) texts[all] = (await rig.call("GET", all)).text;
  expect(validated.status).toBe(200);
  expect(texts["run"]).toContain("[secret]");
  expect(texts["run/audit"]).toContain("because [secret] expired");
  expect(texts["run/logs"]).toContain("the password is [secret]");
  expectNoSecret(texts);
  await rig.host.audit.close();
  const kept = await readFile(file, "utf8");
  expect(kept).toContain('"plan":"secretive"');
  expect(kept).toContain("[kept with the run]");
  expectNoSecret({ kept });
});

test("the audit file has one line for each entry, whatever was said", async () => {
  const asker = {
    principal: { name: "a\nb", role: "admin" },
    surface: "native",
    remote: null,
    requestId: null,
  } as const;
  await rig.host.start(rig.host.plan("waiting"), { why: 'x\r\n{"who":"forged"}\u2028' }, asker);
  await rig.host.audit.close();
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ who: "a\nb", why: 'x\r\n{"who":"forged"}\u2028' });
});
