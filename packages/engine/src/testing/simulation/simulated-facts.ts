/** What a simulated run is made of, and what it asks of the simulation. Owns: the shape. */
import type { RunHeader } from "../../journal/port.ts";
import type { CompiledProgram } from "../../plan/compile.ts";
import type { Json } from "../../plan/document.ts";
import type { Limits } from "../../plan/limits.ts";
import type { Judge } from "../judge/judge.ts";
import type { CutOff } from "./faults.ts";
import type { SimulatedCall } from "./simulated-call.ts";
import type { WorldTeller } from "./simulated-world.ts";

export interface SimulatedFacts {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly limits: Limits;
  readonly judge: Judge;
  /** Keep the trace: costs as much as the run itself. */
  readonly record: boolean;
  /** What becomes of a call that is made now. */
  readonly fate: (call: SimulatedCall) => string;
  /** What becomes of a call that a crash cut off, as drawn. */
  readonly cutOff: () => CutOff;
  /** What the node's action answers. */
  readonly outputOf: (node: number) => Json | undefined;
  readonly world: WorldTeller | undefined;
}
