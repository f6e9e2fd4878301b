/** The native API: events of a run as server-sent events, over real connections where a connection is the subject. */
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { MemoryJournal } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Channel } from "../../../packages/server/src/native/channel.ts";
import { STREAM_LIMITS } from "../../../packages/server/src/native/stream-limits.ts";
import { RunStreams } from "../../../packages/server/src/native/streams.ts";
import { createRig, type Rig, startHeld } from "./rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(async () => await rig.close());

interface Told {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an event.
  readonly data: any;
}

function told(text: string): Told[] {
  return text
    .split("\n\n")
    .filter((part) => part.startsWith("id: "))
    .map((part) => {
      const [id, event, data] = part.split("\n").map((line) => line.slice(line.indexOf(": ") + 2));
      return { id: id!, event: event!, data: JSON.parse(data!) };
    });
}

/** Reads a run's events until the server ends the stream. */
const read = async (id: string, lastId?: string) => {
  const headers = lastId === undefined ? {} : { "last-event-id": lastId };
  const answer = await rig.call("GET", `/v1/runs/${id}/events`, { as: "vera", headers });
  return { ...answer, events: told(answer.text) };
};

describe("a stream of events", () => {
  test("R39: begins with the run as it stands, tells each event in order, and ends with the run", async () => {
    const { id } = await startHeld(rig, "a");
    const attempt = await rig.held.next();
    const reading = read(id);
    await settleTurns();
    attempt.succeed({ done: 1 });
    const { events, headers } = await reading;
    expect(headers).toMatchObject({ "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    expect(events[0]).toMatchObject({ event: "snapshot", data: { id, status: "RUNNING" } });
    expect(events.slice(1).map(({ event, data }) => [event, data.nodeId])).toEqual([
      ["node:succeeded", "hold"],
      ["node:ready", "last"],
      ["node:started", "last"],
      ["node:log", "last"],
      ["node:log", "last"],
      ["node:log", "last"],
      ["node:succeeded", "last"],
      ["run:succeeded", undefined],
    ]);
    const numbers = events.map((event) => Number(event.id.split("-").at(-1)));
    expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("goes on after the event that was read last, and says when there is no more", async () => {
    const { id } = await startHeld(rig, "a");
    const attempt = await rig.held.next();
    const reading = read(id);
    await settleTurns();
    attempt.succeed();
    const { events } = await reading;
    const rest = await read(id, events[4]!.id);
    expect(rest.events).toEqual(events.slice(5));
    const over = await read(id, events.at(-1)!.id);
    expect([over.status, over.text]).toEqual([204, ""]);
    const query = await rig.call("GET", `/v1/runs/${id}/events?lastEventId=${events[6]!.id}`);
    expect(told(query.text)).toEqual(events.slice(7));
  });

  test.each(["nonsense", "AAAAAAAAAAAA-3", "", "-1"])(
    "an id that is not known, %j, gives the run anew",
    async (lastId) => {
      const { id } = await startHeld(rig, "a");
      const reading = read(id, lastId);
      await settleTurns();
      (await rig.held.next()).succeed();
      expect((await reading).events[0]?.event).toBe("snapshot");
    },
  );

  test("a run that has ended is its snapshot and the end; come back for more, there is none", async () => {
    const { id } = await startHeld(rig, "a");
    (await rig.held.next()).succeed();
    await rig.host.engine.run(id)?.settled();
    const { events } = await read(id);
    expect(events).toMatchObject([{ event: "snapshot", data: { status: "SUCCESSFUL" } }]);
    expect((await read(id, events[0]!.id)).status).toBe(204);
  });

  test("a run that is not there is NOT_FOUND", async () => {
    expect((await read("nothing")).json.error.code).toBe("NOT_FOUND");
  });

  test("line breaks of what is told stay in one line of JSON", async () => {
    const { json } = await rig.call("POST", "/v1/runs", { body: { plan: "waiting" } });
    const reading = read(json.id);
    await settleTurns();
    await rig.call("POST", `/v1/runs/${json.id}/signal`, {
      body: { node: "wait", output: "a\n\nevent: forged\ndata: 1" },
    });
    const { events } = await reading;
    expect(events.map(({ event }) => event).slice(-2)).toEqual(["node:succeeded", "run:succeeded"]);
    expect(events.at(-2)!.data.output).toBe("a\n\nevent: forged\ndata: 1");
  });
});

describe("a run of another engine", () => {
  test("R44: is looked at in the journal, and nothing of it is claimed", async () => {
    const journal = new MemoryJournal();
    const owner = await createRig({ journal });
    const looker = await createRig({ journal, native: { streams: { lookMs: 1 } } });
    const { id } = await startHeld(owner, "a");
    const attempt = await owner.held.next();
    const reading = looker.call("GET", `/v1/runs/${id}/events`);
    await settleTurns();
    attempt.succeed();
    const events = told((await reading).text);
    expect(events[0]).toMatchObject({ event: "snapshot", data: { status: "RUNNING" } });
    expect(events.at(-1)).toMatchObject({ event: "snapshot", data: { status: "SUCCESSFUL" } });
    expect(looker.host.engine.run(id)).toBeUndefined();
    await looker.close();
    await owner.close();
  });
});

describe("a verb of a run of another engine", () => {
  test("R37: is carried out there, in the name of whoever asked here", async () => {
    const journal = new MemoryJournal();
    const owner = await createRig({ journal });
    const other = await createRig({ journal });
    const { id } = await startHeld(owner, "a");
    const { headers } = await other.call("GET", `/v1/runs/${id}`);
    const stale = await other.call("POST", `/v1/runs/${id}/pause`, { body: {}, headers: { "if-match": '"x"' } });
    expect(stale.status).toBe(412);
    const paused = await other.call("POST", `/v1/runs/${id}/pause`, { as: "olga", body: { why: "look" } });
    expect([paused.status, paused.json.status]).toEqual([200, "PAUSED"]);
    expect(paused.headers["etag"]).not.toBe(headers["etag"]);
    expect(owner.host.engine.run(id)?.snapshot().status).toBe("PAUSED");
    const { json } = await owner.call("GET", `/v1/runs/${id}/audit`);
    expect(json.entries.at(-1)).toMatchObject({ verb: "pause", who: "olga", why: "look" });
    const refused = await other.call("POST", `/v1/runs/${id}/pause`, { body: {} });
    expect([refused.status, refused.json.error.code]).toEqual([409, "STATE_INVALID"]);
    await other.close();
    await owner.close();
  });
});

describe("bounds", () => {
  test("200 readers of one run get the same bytes, made once", async () => {
    const { id } = await startHeld(rig, "a");
    const attempt = await rig.held.next();
    const readings = Array.from({ length: 200 }, () => read(id));
    await settleTurns();
    attempt.succeed();
    const texts = new Set((await Promise.all(readings)).map(({ text }) => text));
    expect(texts.size).toBe(1);
  });

  test("more readers than the server has room for are told to come back later", async () => {
    const small = new RunStreams(rig.host, { readers: 2, channels: 1 });
    const { id } = await startHeld(rig, "a");
    const other = await startHeld(rig, "b");
    await small.join(id, undefined);
    await expect(small.join(other.id, undefined)).rejects.toMatchObject({ status: 503, code: "UNAVAILABLE" });
    await small.join(id, undefined);
    await expect(small.join(id, undefined)).rejects.toMatchObject({ status: 503 });
    small.close();
    expect(small.size).toBe(0);
    await expect(small.join(id, undefined)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("a channel nobody reads makes room for another one", async () => {
    const small = new RunStreams(rig.host, { channels: 1 });
    const joined = await small.join((await startHeld(rig, "a")).id, undefined);
    if (joined.kind === "stream") joined.stream.destroy();
    await settleTurns();
    await small.join((await startHeld(rig, "b")).id, undefined);
    expect(small.size).toBe(1);
    small.close();
  });

  test("a reader that does not read is disconnected, the others are not, and it may come back", () => {
    const channel = new Channel({ ...STREAM_LIMITS, unread: 10_000 });
    const slow = channel.join(undefined, () => "{}");
    const quick = channel.join(undefined, () => "{}");
    if (slow.kind !== "stream" || quick.kind !== "stream") throw new Error("both read");
    quick.stream.resume();
    let lastSeen = "";
    quick.stream.on("data", (bytes: Buffer) => {
      lastSeen = /^id: (\S+)/.exec(String(bytes))?.[1] ?? lastSeen;
    });
    for (let n = 0; n < 200; n++) {
      channel.publish("node:log", JSON.stringify({ n, text: "x".repeat(100) }));
      quick.stream.read();
    }
    expect([slow.stream.destroyed, quick.stream.destroyed]).toEqual([true, false]);
    const back = channel.join(`${channel.id}-150`, () => "{}");
    expect(back.kind === "stream" && told(String(back.stream.read())).map(({ data }) => data.n)[0]).toBe(150);
  });

  test("only so many events are kept: who comes back too late gets the run anew", () => {
    const channel = new Channel({ ...STREAM_LIMITS, events: 10 });
    for (let n = 1; n <= 25; n++) channel.publish("node:log", String(n));
    const join = (after: number) => {
      const joined = channel.join(`${channel.id}-${after}`, () => '"now"');
      return joined.kind === "stream" ? told(String(joined.stream.read())).map(({ data }) => data) : [];
    };
    expect(join(15)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect(join(14)).toEqual(["now"]);
    expect(join(26)).toEqual(["now"]);
  });

  test("bytes are bounded as well as events", () => {
    const channel = new Channel({ ...STREAM_LIMITS, bytes: 1000 });
    for (let n = 1; n <= 50; n++) channel.publish("node:log", JSON.stringify("x".repeat(90)));
    const joined = channel.join(`${channel.id}-1`, () => '"now"');
    expect(joined.kind === "stream" && told(String(joined.stream.read()))).toMatchObject([{ data: "now" }]);
  });
});

describe("connections", () => {
  const listen = async (): Promise<number> => {
    await rig.app.listen({ host: "127.0.0.1", port: 0 });
    return (rig.app.server.address() as AddressInfo).port;
  };

  test("a comment keeps a silent stream, and going down ends it", async () => {
    await rig.close();
    rig = await createRig({ native: { streams: { heartbeatMs: 5 } } });
    const { id } = await startHeld(rig, "a");
    const port = await listen();
    const ended = await new Promise<string>((resolve, reject) => {
      const asked = request({ port, path: `/v1/runs/${id}/events`, headers: { authorization: "Bearer vera-token" } });
      asked.on("error", reject);
      asked.on("response", (answer) => {
        let text = "";
        answer.on("data", (bytes: Buffer) => {
          text += String(bytes);
          if (text.includes("\n:\n")) void rig.app.close();
        });
        answer.on("end", () => resolve(text));
        answer.on("error", reject);
      });
      asked.end();
    });
    expect(told(ended)).toMatchObject([{ event: "snapshot" }]);
  });

  test("a reader that hangs up makes room for the next one", async () => {
    await rig.close();
    rig = await createRig({ native: { streams: { readers: 1 } } });
    const { id } = await startHeld(rig, "a");
    const port = await listen();
    const connect = async () =>
      await new Promise<{ readonly status: number; readonly hangUp: () => void }>((resolve, reject) => {
        const asked = request({ port, path: `/v1/runs/${id}/events`, headers: { authorization: "Bearer vera-token" } });
        asked.on("error", reject);
        asked.on("response", (answer) => {
          answer.on("error", () => undefined);
          answer.resume();
          resolve({ status: answer.statusCode ?? 0, hangUp: () => asked.destroy() });
        });
        asked.end();
      });
    const first = await connect();
    expect([first.status, (await connect()).status]).toEqual([200, 503]);
    first.hangUp();
    await expect.poll(async () => (await connect()).status).toBe(200);
  });

  test("a reader that goes away leaves nothing behind", async () => {
    const streams = new RunStreams(rig.host, { lingerMs: 1 });
    const { id } = await startHeld(rig, "a");
    const joined = await streams.join(id, undefined);
    if (joined.kind !== "stream") throw new Error("it runs");
    const gone = new Promise((resolve) => joined.stream.once("close", resolve));
    joined.stream.destroy();
    await gone;
    await expect.poll(() => streams.size).toBe(0);
  });
});
