/**
 * Load on a server: clients that start a run and ask for it, one after the other, each with a connection of its own. Owns: what is
 * counted. Every answer is looked at: one that is none of the two counts as an error, and an error fails the benchmark.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { PLAN, TOKEN } from "./serve.ts";

/** A server in a process of its own. */
export interface Served {
  readonly url: string;
  end(): Promise<void>;
}

/** What a round of load found. */
export interface LoadFigures {
  /** Requests per second: starts and questions together. */
  readonly perSecond: number;
  /** Milliseconds of an answer. */
  readonly p50: number;
  readonly p99: number;
}

/** Starts "bare" or "belay", with its file in `directory`. */
export async function serve(name: "bare" | "belay", directory: string): Promise<Served> {
  const script = fileURLToPath(new URL("./serve.ts", import.meta.url));
  const execArgv = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
  const child: ChildProcess = fork(script, [name, directory], { execArgv });
  const ended = once(child, "exit");
  const [told] = (await Promise.race([
    once(child, "message"),
    ended.then(([code]) => {
      throw new Error(`${name} ended with ${code} before it listened`);
    }),
  ])) as [{ readonly url: string }];
  return {
    url: told.url,
    end: async () => {
      child.disconnect();
      await ended;
    },
  };
}

/** `connections` clients for `seconds`. Fails when an answer is wrong. */
export async function load(url: string, connections: number, seconds: number): Promise<LoadFigures> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: "POST",
        path: "/v1/runs",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ plan: PLAN }),
        onResponse: (status, body, context) => {
          Object.assign(context, { status, id: status === 201 ? JSON.parse(body).id : undefined });
        },
      },
      {
        method: "GET",
        headers,
        setupRequest: (request, context) => ({ ...request, path: `/v1/runs/${Object(context).id}` }),
      },
    ],
  });
  const wrong = result.errors + result.timeouts + result.non2xx;
  if (wrong > 0) throw new Error(`${wrong} of ${result.requests.total} answers of ${url} were wrong`);
  const { p50, p99 } = result.latency;
  return { perSecond: result.requests.average, p50, p99 };
}
