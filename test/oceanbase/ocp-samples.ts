/** Real OCP tasks: the seed's answer, which is a fixture, and the published samples, which may be absent. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

const SAMPLES = new URL("../../../shared/data/ocp-samples/", import.meta.url);

export interface OcpSample {
  readonly file: string;
  /** The whole answer, envelope included. */
  readonly answer: unknown;
}

/** The answer of OCP's failover API, as documented. */
export function failoverAnswer(): OcpAnswer {
  return JSON.parse(readFileSync(new URL("../fixtures/ocp-failover-response.json", import.meta.url), "utf8"));
}

/** The 32 published tasks with edges; empty when the data are not beside the checkout. */
export function ocpSamples(): OcpSample[] {
  if (!existsSync(SAMPLES)) return [];
  return readdirSync(SAMPLES)
    .filter((file) => file.endsWith(".v2.json") || file.endsWith(".v1-tasks.json"))
    .sort()
    .map((file) => ({ file, answer: JSON.parse(readFileSync(new URL(file, SAMPLES), "utf8")) }));
}

/** The fields that the tests read. */
export interface OcpAnswerSubtask {
  readonly id: number;
  readonly name: string;
  readonly status: string;
  readonly upstreams: readonly number[];
  readonly downstreams: readonly number[];
  readonly [field: string]: unknown;
}

export interface OcpAnswerTask {
  readonly id: number;
  readonly name: string;
  readonly executor?: string;
  readonly startTime: string;
  readonly subtasks: readonly OcpAnswerSubtask[];
  readonly [field: string]: unknown;
}

export interface OcpAnswer {
  readonly data: OcpAnswerTask;
  readonly [field: string]: unknown;
}

/** The task of an answer, whatever its form, with its nodes under `subtasks`. */
export function taskOf(answer: unknown): OcpAnswerTask {
  const { data } = answer as { data: Record<string, unknown> };
  const task = (Array.isArray(data["contents"]) ? data["contents"][0] : data) as Record<string, unknown>;
  return { ...task, subtasks: task["subtasks"] ?? task["tasks"] } as OcpAnswerTask;
}
