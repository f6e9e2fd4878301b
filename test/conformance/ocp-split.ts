/**
 * OCP's splits: a template and the nodes it becomes (R20, R21). Owns: the mapping of `splitKey` to a parameter and the
 * reading of the expanded nodes, `B[0]` in Belay's notation, `B#0` in the data's.
 */
import { BelayError, type NodeDocument } from "@belay/engine";
import { openPlay, type Setting } from "./case-play.ts";
import type { PeerCase, Verdict } from "./verdict.ts";

interface TemplateNode {
  readonly id: string;
  readonly upstreams: readonly string[];
  readonly splitKey?: string;
  readonly splitMethod?: "PARALLEL" | "SERIAL";
}

interface ExpandedNode {
  readonly id: string;
  readonly parallelIdx: number;
  readonly upstreams: readonly string[];
}

export interface SplitCase extends PeerCase {
  readonly template: readonly TemplateNode[];
  readonly lists: Readonly<Record<string, readonly number[]>>;
  readonly expected: { readonly nodes?: readonly ExpandedNode[]; readonly error?: string };
}

export async function compareSplit(given: SplitCase): Promise<Verdict> {
  const { expected } = given;
  const expanded = await expand(settingOf(given));
  return {
    facts: {
      refused: { peer: expected.error !== undefined, belay: expanded === undefined },
      nodes: { peer: expected.nodes?.map(sorted), belay: expanded?.map(sorted) },
    },
  };
}

/** The nodes the run has at its start; undefined when the list is refused. */
async function expand(setting: Setting): Promise<readonly ExpandedNode[] | undefined> {
  try {
    const play = await openPlay(setting);
    play.judge(await play.play());
    await play.close();
    const hashed = (id: string): string => id.replace(/\[(\d+)\]$/, "#$1");
    return play.run.snapshot().nodes.map(({ id, parallelIdx, upstreams }) => ({
      id: hashed(id),
      parallelIdx,
      upstreams: upstreams.map(hashed),
    }));
  } catch (error) {
    if (error instanceof BelayError && error.code === "PARAMS_INVALID") return undefined;
    throw error;
  }
}

function settingOf({ template, lists }: SplitCase): Setting {
  const nodes = template.map(
    ({ id, upstreams, splitKey, splitMethod }): NodeDocument => ({
      id,
      action: "do",
      upstreams,
      ...(splitKey === undefined ? {} : { split: { over: `params.${splitKey}`, method: splitMethod ?? "PARALLEL" } }),
    }),
  );
  const properties = Object.fromEntries(Object.keys(lists).map((name) => [name, { type: "array" }]));
  return { document: { belay: 1, name: "peer", params: { type: "object", properties }, nodes }, params: lists };
}

function sorted({ id, parallelIdx, upstreams }: ExpandedNode): ExpandedNode {
  return { id, parallelIdx, upstreams: upstreams.toSorted() };
}
