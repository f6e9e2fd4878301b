/** Time of a part of a round, by the clock and in CPU of the process, the collector's and the compiler's threads included. */
import type { Sample } from "./contender.ts";

export class Stopwatch {
  #cpu: NodeJS.CpuUsage;
  #begun: number;

  constructor() {
    this.#cpu = process.cpuUsage();
    this.#begun = performance.now();
  }

  /** Since it was made, or since the last lap: `<name>Ms` and `<name>CpuMs`. */
  lap<Name extends string>(name: Name): Lap<Name> {
    const wall = performance.now() - this.#begun;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.restart();
    return { [`${name}Ms`]: wall, [`${name}CpuMs`]: (user + system) / 1e3 } as Lap<Name>;
  }

  /** What went by since then is nobody's. */
  restart(): void {
    this.#cpu = process.cpuUsage();
    this.#begun = performance.now();
  }
}

/** Milliseconds of one part. */
export type Lap<Name extends string> = Readonly<Record<`${Name}Ms` | `${Name}CpuMs`, number>>;

/** The sample in which every time is the CPU's, for a machine that others use as well. */
export function byCpu(sample: Sample): Sample {
  return Object.fromEntries(
    Object.entries(sample).map(([name, value]) => [name, sample[name.replace(/Ms$/, "CpuMs")] ?? value]),
  );
}
