/**
 * A fence behind an API as clouds have it: a stop is asked for and takes its time; only the instance's state tells when it is down.
 *
 * The API's contract: `POST {base}/nodes/{node}/stop` with `{"epoch": n, "force": true}` answers 2xx once the order is taken, 409 when it
 * has obeyed a higher epoch; `GET {base}/nodes/{node}` answers `{"state": "..."}`, of which only `stopped` counts as down.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import { messageOf } from "../step/wait.ts";
import { type Fence, type FenceState, type FenceTarget, refuseStale } from "./fence.ts";

/** What `httpFence` takes. */
export interface HttpFenceOptions {
  /** Where the API is, without a slash at its end: http or https, no user, password, query or fragment. */
  readonly baseUrl: string;
  /** Sent as a bearer token; asked for on every call, so that it may change. */
  readonly token?: () => Promise<string>;
  /** Milliseconds for one request. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds for the node to be down. Default 60,000. */
  readonly stopTimeoutMs?: number;
  /** Milliseconds between two looks. Default 500. */
  readonly pollIntervalMs?: number;
}

/** What a header takes of a token; another one would be repeated in the error of who sends it. */
const PLAIN_TOKEN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Why that cannot be the base URL of a fence, without repeating it; undefined when it can. */
export function faultOfBaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return "a URL such as https://fence.example/v1";
  const { protocol, username, password, search, hash } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") return "an http or https URL";
  if (username !== "" || password !== "") return "a URL without user and password: name them as a token";
  return search === "" && hash === "" ? undefined : 'a URL without "?" and "#": paths are added to it';
}

/** Throws INVALID_ARGUMENT for a base URL that cannot be one. */
export function httpFence(options: HttpFenceOptions): Fence {
  const { requestTimeoutMs = 5000, stopTimeoutMs = 60_000, pollIntervalMs = 500 } = options;
  const fault = faultOfBaseUrl(options.baseUrl);
  if (fault !== undefined) throw new BelayError("INVALID_ARGUMENT", `the fence's baseUrl is to be ${fault}`);
  const { host } = new URL(options.baseUrl);

  async function call(target: FenceTarget, path: string, body?: object): Promise<Response> {
    const token = await options.token?.();
    if (token !== undefined && !PLAIN_TOKEN.test(token)) {
      throw new BelayError(
        "ENVIRONMENT",
        "the fence's token has line ends or letters that no header takes, a blank at one end, or is empty",
      );
    }
    const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    return await fetch(`${options.baseUrl}/nodes/${encodeURIComponent(target.node)}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A redirect could lead an order, and its token, elsewhere.
      redirect: "error",
      signal: AbortSignal.timeout(requestTimeoutMs),
    }).catch((error: unknown) => {
      const why = error instanceof Error ? messageOf(error.cause ?? error) : String(error);
      throw new Error(`the fence of ${target.node} at ${host} does not answer: ${why}`, { cause: error });
    });
  }

  async function state(target: FenceTarget): Promise<FenceState> {
    const response = await call(target, "");
    const answer: unknown = await response.json().catch(() => undefined);
    const word =
      response.ok && typeof answer === "object" && answer !== null && "state" in answer ? answer.state : undefined;
    if (typeof word !== "string") {
      throw new Error(
        `whether ${target.node} runs is not known: the fence answered ${response.status} without a state`,
      );
    }
    // "stopping" and whatever else an API has in between: not down yet.
    return word === "stopped" ? "stopped" : "running";
  }

  return {
    state,
    fence: async (target) => {
      const response = await call(target, "/stop", { epoch: target.epoch, force: true });
      const said = (await response.text().catch(() => "")).slice(0, 500);
      if (response.status === 409) refuseStale(target, said);
      if (!response.ok) throw new Error(`fencing ${target.node}: the fence answered ${response.status}: ${said}`);
      const deadline = performance.now() + stopTimeoutMs;
      while ((await state(target)) !== "stopped") {
        if (performance.now() > deadline) throw new Error(`${target.node} was not down after ${stopTimeoutMs} ms`);
        await sleep(pollIntervalMs);
      }
    },
  };
}
