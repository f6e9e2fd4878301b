/**
 * The process of one contender: listens on a free port of 127.0.0.1, says which, ends with its parent.
 * bare: two Fastify routes. POST writes one row of SQLite, synced to disk before it answers; GET reads it. Belay: the server as it is, its
 * journal a SQLite file, a plan of one step that does nothing. Both keep their file in the directory they are given.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { definePlan } from "@belay/engine";
import { readSettings, type Site, startServer } from "@belay/server";
import { fastify } from "fastify";

/** What both are asked with. */
export const TOKEN = "a-token-for-the-benchmark-only";
/** Belay's plan. */
export const PLAN = "one-step";

const [name, directory] = process.argv.slice(2);

if (process.send !== undefined && name !== undefined && directory !== undefined) {
  process.once("disconnect", () => process.exit(0));
  process.send({ url: await (name === "bare" ? bare(directory) : belay(directory)) });
}

async function bare(folder: string): Promise<string> {
  const database = new DatabaseSync(join(folder, "rows.db"));
  database.exec(
    "pragma journal_mode = wal; pragma synchronous = full; create table row (id text primary key, body text)",
  );
  const write = database.prepare("insert into row values (?, ?)");
  const read = database.prepare("select * from row where id = ?");
  const app = fastify();
  app.post("/v1/runs", async (request, reply) => {
    const id = randomUUID();
    write.run(id, JSON.stringify(request.body));
    return reply.code(201).send({ id, status: "RUNNING" });
  });
  app.get<{ Params: { id: string } }>("/v1/runs/:id", async ({ params }) => read.get(params.id));
  return await app.listen({ host: "127.0.0.1", port: 0 });
}

async function belay(folder: string): Promise<string> {
  const site: Site = {
    actions: { "bench.nothing": { idempotent: true, run: () => undefined } },
    plans: [definePlan({ belay: 1, name: PLAN, nodes: [{ id: "a", action: "bench.nothing" }] })],
  };
  const flags = { host: "127.0.0.1", port: 0, data: folder, token: TOKEN };
  const settings = await readSettings(flags, {});
  const server = await startServer({ ...settings, limits: { perMinute: 0 } }, { site, log: console.error });
  return server.url;
}
