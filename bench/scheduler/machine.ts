/** The machine of a run, as far as its figures depend on it. */
import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

/** What is told beside every table. */
export interface Machine {
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly cores: number;
  /** Of a core, as the system says; NaN where it does not. */
  readonly mhz: number;
  readonly memoryGiB: number;
  /** Mean number of processes that wanted a core, of the last minute. */
  readonly loadAtStart: number;
}

export function describeMachine(): Machine {
  const all = cpus();
  const told = Math.max(...all.map(({ speed }) => speed));
  return {
    node: process.version,
    v8: process.versions.v8,
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    mhz: told > 0 ? told : mhzOfLinux(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAtStart: load(),
  };
}

export function load(): number {
  return loadavg()[0] ?? Number.NaN;
}

function mhzOfLinux(): number {
  const told = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  return Number(/^cpu MHz\s*:\s*([\d.]+)/m.exec(told)?.[1] ?? Number.NaN);
}
