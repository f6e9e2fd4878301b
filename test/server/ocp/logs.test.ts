/** Logs of subtasks and the archive for a diagnosis: an attempt is told from the next one, no letter is torn, nothing is merged. */
import { crc32, inflateRawSync } from "node:zlib";
import { definePlan } from "@belay/engine";
import { type HeldAction, heldAction, ManualClock, settleTurns } from "@belay/engine/testing";
import { afterEach, expect, test } from "vitest";
import { zipOf } from "../../../packages/server/src/ocp/zip.ts";
import { ADMIN, type OcpServer, ocpServer, SEED_START } from "./rig.ts";

const FENCE = "############";
const AT = (seconds: number) => `2022-09-05T13:39:${18 + seconds}.441+08:00`;

const plan = definePlan({
  ...{ belay: 1, name: "p", title: "Logs" },
  nodes: [
    { id: "a", action: "work", compensation: { action: "undo" } },
    { id: "b", action: "work", upstreams: ["a"] },
  ],
});

let server: OcpServer;
afterEach(async () => await server.close());

interface Stage {
  readonly clock: ManualClock;
  readonly work: HeldAction;
  readonly undo: HeldAction;
  log(query?: string): Promise<Record<string, unknown>>;
  post(verb: string): Promise<unknown>;
}

async function stage(): Promise<Stage> {
  const clock = new ManualClock(SEED_START);
  const [work, undo] = [heldAction(), heldAction()];
  server = await ocpServer({ clock, site: { actions: { work: work.action, undo: undo.action }, plans: [plan] } });
  await server.host.engine.start(plan, { runId: "7" });
  const base = "/api/v2/tasks/instances/7";
  return {
    ...{ clock, work, undo },
    log: async (query = "") => (await server.get(`${base}/subtasks/7000001/log${query}`)).data,
    post: (verb) => server.post(`${base}/${verb}`),
  };
}

test("case of the log view: a separator per attempt, with what each one said and came to", async () => {
  const { clock, work, undo, log, post } = await stage();
  const first = await work.next();
  first.ctx.log("Rolle wird geändert: 主备切换 🚀", { step: 1 });
  clock.advance(1000);
  first.fail(Object.assign(new Error("no quorum"), { code: "E_QUORUM" }));
  await server.rest(7);
  clock.advance(1000);
  await post("retry");
  const second = await work.next();
  second.ctx.log("zweiter Versuch");
  second.succeed();
  (await work.next()).fail();
  await server.rest(7);
  clock.advance(1000);
  await post("rollback");
  const third = await undo.next();
  third.ctx.log("undoing");
  third.succeed();
  await server.rest(7);
  expect((await log())["log"]).toBe(
    [
      `${FENCE}{EXECUTE}{${AT(0)}}${FENCE}`,
      `${AT(0)}  INFO Rolle wird geändert: 主备切换 🚀 {"step":1}`,
      `${AT(1)} ERROR E_QUORUM: no quorum`,
      `${FENCE}{RETRY}{${AT(2)}}${FENCE}`,
      `${AT(2)}  INFO zweiter Versuch`,
      `${AT(2)}  INFO done`,
      `${FENCE}{ROLLBACK}{${AT(3)}}${FENCE}`,
      `${AT(3)}  INFO undoing`,
      `${AT(3)}  INFO done`,
      "",
    ].join("\n"),
  );
});

test("a log is read on from an offset of bytes; one within a letter goes on with the next letter", async () => {
  const { work, log } = await stage();
  const attempt = await work.next();
  attempt.ctx.log("ä主🚀");
  await settleTurns();
  const whole = (await log())["log"] as string;
  const bytes = Buffer.from(whole, "utf8");
  let torn = 0;
  for (let offset = 0; offset <= bytes.length + 1; offset++) {
    const { log: part, nextOffset } = (await log(`?offset=${offset}`)) as { log: string; nextOffset: number };
    expect(nextOffset).toBe(bytes.length);
    expect(whole.endsWith(part) && !part.includes("\ufffd")).toBe(true);
    if (Buffer.byteLength(part) < bytes.length - offset) torn += 1;
  }
  expect(torn).toBe(1 + 2 + 3);
  attempt.ctx.log("later");
  await settleTurns();
  expect((await log(`?offset=${bytes.length}`))["log"]).toMatch(/^.* INFO later\n$/);
  expect(await server.get("/api/v2/tasks/instances/7/subtasks/7000001/log?offset=-1")).toMatchObject({
    status: 400,
    body: { error: { code: 10001 } },
  });
  attempt.succeed();
  (await work.next()).succeed();
  await server.rest(7);
});

test("a subtask that never started has an empty log, a skipped one says so, one that is none is 404", async () => {
  const { work, log, post } = await stage();
  expect((await server.get("/api/v1/tasks/instances/7/subtasks/7000002/log")).data).toEqual({ log: "" });
  (await work.next()).fail();
  await server.rest(7);
  await post("subtasks/7000001/skip");
  expect((await log())["log"]).toContain(`${FENCE}{SKIP}{${AT(0)}}${FENCE}\n`);
  expect(await server.get("/api/v2/tasks/instances/7/subtasks/8000001/log")).toMatchObject({ status: 404 });
  (await work.next()).succeed();
  await server.rest(7);
});

test("the diagnosis is an archive of the task and a log per attempt", async () => {
  const { work, post } = await stage();
  const first = await work.next();
  first.ctx.log("主备切换");
  first.fail();
  await server.rest(7);
  await post("retry");
  (await work.next()).succeed();
  (await work.next()).succeed();
  await server.rest(7);
  const url = "/api/v1/tasks/instances/7/downloadDiagnosis?taskInstanceId=7";
  const response = await server.app.inject({ method: "POST", url, headers: { authorization: ADMIN } });
  expect(response.headers).toMatchObject({
    "content-type": "application/zip",
    "content-disposition": 'attachment; filename="task_7.zip"',
  });
  const files = unzip(response.rawPayload);
  expect([...files.keys()]).toEqual([
    "task_info.txt",
    "subtask_7000001_1.log",
    "subtask_7000001_2.log",
    "subtask_7000002_1.log",
  ]);
  expect(files.get("subtask_7000001_1.log")).toMatch(
    /^#+\{EXECUTE\}.*\n.* INFO 主备切换\n.* ERROR E_HELD: a failed\n$/,
  );
  expect(files.get("subtask_7000001_2.log")).toContain("{RETRY}");
  const info = JSON.parse(files.get("task_info.txt") as string);
  expect(info).toMatchObject({ task: { id: 7, status: "SUCCESSFUL" }, plan: { name: "p" } });
  expect(info.asked.map(({ verb }: { verb: string }) => verb)).toEqual(["start", "retry"]);
});

test("an archive reads back, whatever is in it", () => {
  const entries = [
    { name: "leer", content: "" },
    { name: "ä/主.txt", content: "x".repeat(100_000) },
    { name: "bytes", content: Uint8Array.from({ length: 256 }, (_, value) => value) },
  ];
  const files = unzip(zipOf(entries, SEED_START));
  expect([...files]).toEqual(entries.map(({ name, content }) => [name, Buffer.from(content as string).toString()]));
  expect(unzip(zipOf([], SEED_START)).size).toBe(0);
});

/** Reads an archive by its central directory, as readers do, and checks every checksum. */
function unzip(archive: Buffer): Map<string, string> {
  const end = archive.length - 22;
  expect(archive.readUInt32LE(end)).toBe(0x06054b50);
  const files = new Map<string, string>();
  let at = archive.readUInt32LE(end + 16);
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    expect(archive.readUInt32LE(at)).toBe(0x02014b50);
    const [sum, packed, length] = [16, 20, 24].map((offset) => archive.readUInt32LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const nameLength = archive.readUInt16LE(at + 28);
    const local = archive.readUInt32LE(at + 42);
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    expect(archive.readUInt32LE(local)).toBe(0x04034b50);
    expect(archive.toString("utf8", local + 30, local + 30 + nameLength)).toBe(name);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(from, from + packed));
    expect([content.length, crc32(content)]).toEqual([length, sum]);
    files.set(name, content.toString("utf8"));
    at += 46 + nameLength;
  }
  return files;
}
