import { describe, expect, expectTypeOf, test } from "vitest";
import { BelayError } from "../../packages/engine/src/errors.ts";
import type { Plan } from "../../packages/engine/src/plan/document.ts";
import type { ActionContext, ActionDefinition } from "../../packages/engine/src/runtime/api.ts";
import { definePlan, type InputOf, type PlanInput } from "../../packages/engine/src/runtime/define-plan.ts";

interface Target {
  readonly host: string;
  readonly ports: readonly number[];
}

const actions = {
  promote: { run: (ctx: ActionContext<Target>) => ctx.input.host } satisfies ActionDefinition<Target>,
  fence: (ctx: ActionContext<{ readonly force?: boolean }>) => ctx.input.force,
  sleep: () => undefined,
};

const target: Target = { host: "db1", ports: [5432] };

/** Compiles what it is given; whether it runs is not the matter. */
const compiles = (_: () => unknown): void => undefined;

describe("R3: a plan in TypeScript", () => {
  test("R3: inputs are known from the registry", () => {
    expectTypeOf<InputOf<(typeof actions)["promote"]>>().toEqualTypeOf<Target>();
    expectTypeOf<InputOf<(typeof actions)["fence"]>>().toEqualTypeOf<{ readonly force?: boolean }>();
  });

  test("R3: with a registry, right names and inputs compile, and expressions are allowed anywhere", () => {
    const plan = definePlan(
      {
        belay: 1,
        name: "p",
        params: { properties: { host: { type: "string" } } },
        nodes: [
          { id: "a", action: "promote", with: target },
          {
            id: "b",
            action: "promote",
            with: { host: { $cel: "params.host" }, ports: [{ $cel: "1 + 1" }] },
            upstreams: ["a"],
          },
          { id: "c", action: "fence", with: {}, compensation: { action: "sleep" } },
          { id: "d", action: "belay.noop", with: { anything: 1 } },
          { id: "e", action: "sleep" },
        ],
      },
      { actions },
    );
    expectTypeOf(plan).toEqualTypeOf<Plan>();
    expect(plan.document.nodes).toHaveLength(5);
  });

  test("R3: with a registry, wrong names and inputs do not compile", () => {
    type Node = PlanInput<typeof actions>["nodes"][number];
    // @ts-expect-error: no such action.
    compiles((): Node => ({ id: "a", action: "promot", with: target }));
    // @ts-expect-error: the host is text.
    compiles((): Node => ({ id: "a", action: "promote", with: { host: 5, ports: [] } }));
    // @ts-expect-error: the ports are missing.
    compiles((): Node => ({ id: "a", action: "promote", with: { host: "x" } }));
    // @ts-expect-error: the input is missing.
    compiles((): Node => ({ id: "a", action: "promote" }));
    // @ts-expect-error: no such action to compensate with.
    compiles((): Node => ({ id: "a", action: "sleep", compensation: { action: "wake" } }));
    // @ts-expect-error: no such field.
    compiles((): Node => ({ id: "a", action: "sleep", timout: 5 }));
    const nodes = [{ id: "a", action: "promot", with: target }] as const;
    // @ts-expect-error: no such action, through the call.
    compiles(() => definePlan({ belay: 1, name: "p", nodes }, { actions }));
  });

  test("R3: without a registry any action name compiles, and is not checked before a run starts", () => {
    expect(definePlan({ belay: 1, name: "p", nodes: [{ id: "a", action: "anything", with: [1] }] }).hash).toMatch(
      /^[0-9a-f]{64}$/,
    );
  });

  test("R3: the registry is checked at run time too", () => {
    const document = JSON.parse('{"belay":1,"name":"p","nodes":[{"id":"a","action":"promot"}]}');
    expect(() => definePlan(document, { actions })).toThrow(BelayError);
    expect(() => definePlan(document, { actions })).toThrow(
      /nodes\[0\]\.action: no action "promot" is registered \(did you mean "promote"\?\)/,
    );
  });
});
