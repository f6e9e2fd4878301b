/** R38 over many lives: what a preview says of a verb is what the verb says, and what then happens when everything succeeds. */
import { BelayError, type Preview, type RunSnapshot, type VerbRequest } from "@belay/engine";
import {
  askRun,
  EVERY_FEATURE,
  everyVerb,
  type OperatorCommand,
  operatorCommand,
  type ReferenceVerb,
  type Scenario,
  scenario,
  verbOf,
} from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, markOf } from "./preview-checks.ts";
import { Life } from "./preview-life.ts";

const RUNS = Number(process.env["PREVIEW_RUNS"] ?? 250);

/** A step of a life: a number for `happen`, or an operator. */
type Step = number | OperatorCommand;

interface Story {
  readonly scenario: Scenario;
  readonly steps: readonly Step[];
  /** Which of the allowed verbs is asked in the end. */
  readonly choice: number;
  readonly picks: readonly number[];
}

const story: fc.Arbitrary<Story> = fc.record({
  scenario: scenario(fc, { ...EVERY_FEATURE, eventful: true, minNodes: 3, maxNodes: 9 }).map(withLock),
  steps: fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(400) }, { weight: 1, arbitrary: operatorCommand(fc) }), {
    maxLength: 40,
  }),
  choice: fc.nat(10_000),
  picks: fc.oneof(fc.constant([]), fc.array(fc.nat(20), { maxLength: 8 })),
});

function withLock(given: Scenario): Scenario {
  return { ...given, document: { ...given.document, locks: ["cluster-1"] } };
}

function idsOf({ nodes, groups }: RunSnapshot): string[] {
  return [...nodes.map(({ id }) => id), ...groups.map(({ id }) => id), "nowhere"];
}

/** The same question in the words of `preview`. */
function requestOf(asked: ReferenceVerb): VerbRequest {
  switch (asked.verb) {
    case "rollback":
      if (asked.to === "all") return { verb: "rollback" };
      return { verb: "rollback", to: asked.to === "barrier" ? asked.to : asked.to.node };
    case "skip-rollback":
      return { verb: "skipRollback", node: asked.node };
    case "skip":
    case "signal":
      return { verb: asked.verb, node: asked.node };
    default:
      return asked;
  }
}

async function live({ scenario: given, steps }: Story): Promise<Life> {
  const life = await Life.begin(given);
  for (const step of steps) {
    if (typeof step === "number") await life.happen(step);
    else await asked(life, verbOf(step, idsOf(life.run.snapshot())));
  }
  return life;
}

/** Asks; answers the refusal as data. */
async function asked(life: Life, verb: ReferenceVerb): Promise<RunSnapshot | Preview["refused"]> {
  try {
    return await askRun(life.run, verb);
  } catch (error) {
    if (!(error instanceof BelayError)) throw error;
    const { code, message, details } = error;
    return { code, message, details };
  }
}

test("R37, R38: a preview refuses what the verb refuses, in the same words; asking changes nothing", {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      const life = await live(told);
      const verbs = everyVerb(idsOf(life.run.snapshot()));
      const before = await life.bytes();
      const previews = verbs.map((verb) => life.run.preview(requestOf(verb)));
      expect(verbs.map((verb) => life.run.preview(requestOf(verb)))).toEqual(previews);
      expect(await life.bytes()).toBe(before);
      const nothing = { status: life.run.snapshot().status, finalStatus: null, run: [], compensate: [] };
      for (const [place, verb] of verbs.entries()) {
        const preview = previews[place] as Preview;
        if (preview.refused === null) continue;
        expect(await asked(life, verb)).toEqual(preview.refused);
        expect(preview).toMatchObject(nothing);
      }
      await life.close();
    }),
    { numRuns: 60 },
  );
});

/** The verbs that would be carried out now, each kind as likely as the others. */
function allowed(life: Life, choice: number): { verb: ReferenceVerb; preview: Preview } | undefined {
  const kinds = new Map<string, { verb: ReferenceVerb; preview: Preview }[]>();
  for (const verb of everyVerb(idsOf(life.run.snapshot()))) {
    const preview = life.run.preview(requestOf(verb));
    if (preview.refused !== null) continue;
    const kind = `${verb.verb}${"to" in verb ? ` ${typeof verb.to === "string" ? verb.to : "node"}` : ""}${"node" in verb ? " one" : ""}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), { verb, preview }]);
  }
  const [, found] = [...kinds][choice % Math.max(1, kinds.size)] ?? [];
  return found?.[Math.floor(choice / 16) % found.length];
}

/** Until it rests, whatever comes of it. */
async function toRest(life: Life, steps: readonly Step[]): Promise<void> {
  const numbers = [...steps.filter((step) => typeof step === "number"), 3, 60, 7, 14];
  for (let turn = 0; turn < 400 && life.run.snapshot().finishTime === null; turn++) {
    await life.happen(numbers[turn % numbers.length] as number);
  }
}

test.each([
  ["in the middle of things", false],
  ["at rest", true],
])("R38: what is previewed happens, when everything succeeds: %s", { timeout: 600_000 }, async (_name, rests) => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      const life = await live(told);
      if (rests) await toRest(life, told.steps);
      const found = allowed(life, told.choice);
      if (found !== undefined) {
        const from = markOf(life);
        const { undisturbed } = life;
        life.countWaves();
        const after = await askRun(life.run, found.verb);
        expect(after.status).toBe(found.preview.status);
        const kept = life.open.filter((one) => undisturbed.includes(one));
        const { picks } = told;
        let turn = 0;
        await life.succeed((ways) => (picks[turn++ % Math.max(1, picks.length)] ?? 0) % Math.max(1, ways));
        const { document } = told.scenario;
        const { preview } = found;
        const what = await compare({ document, life, from, preview, kept, inOrder: picks.length === 0 });
        if (what === "all") compared++;
      }
      await life.close();
    }),
    { numRuns: RUNS },
  );
  // A property that compares little proves little.
  expect(compared).toBeGreaterThan(RUNS / 2);
});
