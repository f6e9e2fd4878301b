/** The election trail: read from what steps put out, by its shape, whichever system they are of. */
import type { RunSnapshot } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { electionOf } from "../../../packages/server/src/native/election.ts";

type Part = Partial<RunSnapshot["nodes"][number]> & { readonly id: string };

/** As much of a run as matters. */
const run = (...nodes: readonly Part[]): RunSnapshot =>
  ({
    nodes: nodes.map((node) => ({ group: null, error: null, output: undefined, status: "SUCCESSFUL", ...node })),
  }) as never;

const failure = (code: string, message: string, details?: unknown) =>
  ({ code, message, retryable: false, details }) as never;

describe("the election trail", () => {
  test("R21: candidates that were tried and failed are rejected with their failure, the winner is chosen", () => {
    const elect = {
      candidates: ["n2", "n3"],
      rejected: [{ nodeId: "n1", code: "NODE_TYPE", reason: "n1 is the writer" }],
    };
    const trail = electionOf(
      run(
        { id: "elect", output: elect },
        { id: "switch[0]", group: "switch", item: "n2", status: "COMPENSATED", error: failure("TIMEOUT", "no answer") },
        { id: "switch[1]", group: "switch", item: "n3" },
        { id: "readers[0]", group: "readers", item: "n4", error: failure("E", "not a candidate") },
      ),
    );
    expect(trail).toEqual({
      nodes: ["elect"],
      candidates: ["n2", "n3"],
      chosen: "n3",
      rejected: [
        { candidate: "n1", code: "NODE_TYPE", reason: "n1 is the writer", node: "elect" },
        { candidate: "n2", code: "TIMEOUT", reason: "no answer", node: "switch[0]" },
      ],
    });
  });

  test("where nobody was left, the failure's details say why", () => {
    const rejected = [{ nodeId: "n2", code: "UNHEALTHY_REPLICATION", reason: "n2 lags" }];
    const trail = electionOf(
      run({ id: "elect", status: "FAILED", error: failure("NO_CANDIDATE", "nobody", rejected) }),
    );
    expect(trail).toMatchObject({ candidates: [], chosen: null, rejected: [{ candidate: "n2", reason: "n2 lags" }] });
  });

  test("of PostgreSQL: who was unusable at the check, and the ranking of the others", () => {
    const trail = electionOf(
      run(
        { id: "checkStandbys", output: { names: ["a", "b"], unusable: [{ name: "c", reason: "it does not answer" }] } },
        {
          id: "rank",
          output: {
            candidate: "b",
            others: ["a"],
            ranking: [
              { name: "b", lsn: "0/2" },
              { name: "a", lsn: "0/1" },
            ],
          },
        },
      ),
    );
    expect(trail).toEqual({
      nodes: ["checkStandbys", "rank"],
      candidates: ["b", "a"],
      chosen: "b",
      rejected: [{ candidate: "c", code: null, reason: "it does not answer", node: "checkStandbys" }],
    });
  });

  test("of MariaDB: who was passed, and why", () => {
    const passed = [{ name: "r2", code: "BEHIND", reason: "r2 lacks 3 transactions" }];
    const trail = electionOf(run({ id: "rank", output: { candidate: "r1", others: ["r2"], passed } }));
    expect(trail).toMatchObject({
      candidates: ["r1", "r2"],
      chosen: "r1",
      rejected: [{ candidate: "r2", code: "BEHIND" }],
    });
  });

  test.each([
    null,
    5,
    "x",
    [],
    [1],
    { candidates: 5 },
    { rejected: [null, 1, {}] },
    { candidate: "x" },
    { passed: true },
  ])("an output such as %j is no election", (output) => {
    expect(electionOf(run({ id: "a", output }))).toBeUndefined();
  });
});
