/** The command: what it prints where, and what it exits with. */
import { describe, expect, test } from "vitest";
import { belayHere as belay } from "./command.ts";

describe("usage", () => {
  test("--version prints the version alone", async () => {
    expect(await belay("--version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });

  test("--help shows the commands, examples and exit codes", async () => {
    const { code, stdout } = await belay("--help");
    expect(code).toBe(0);
    for (const word of ["check", "graph", "run", "demo", "Examples:", "Exit codes:"]) expect(stdout).toContain(word);
  });

  test("no command at all prints the help on stderr", async () => {
    const { code, stdout, stderr } = await belay();
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: belay");
  });

  test.each([
    [["chek"], "belay: unknown command 'chek' (did you mean check?)\n"],
    [["check", "--jsn", "plan.yaml"], "belay: unknown option '--jsn' (did you mean --json?)\n"],
    [["check"], "belay: missing required argument 'file'\n"],
    [["check", "actions.ts"], 'belay: actions.ts is no plan: that is a YAML or JSON file with "belay: 1"\n'],
    [["run", "actions.ts"], 'belay: actions.ts is no plan: that is a YAML or JSON file with "belay: 1"\n'],
    [
      ["graph", "plan.yaml", "--format", "png"],
      /^belay: option '-f, --format <format>' argument 'png' is invalid\. Allowed choices are mermaid, dot, json\.\n$/,
    ],
    [
      ["demo", "postgres-failvoer"],
      /^belay: unknown demo 'postgres-failvoer' \(did you mean "postgres-failover"\?\); there are .*\n$/,
    ],
    [["demo", "oceanbase-failover", "--fail", "mc-lock"], /^belay: --fail: the plan has no node "mc-lock"/],
    [
      ["demo", "postgres-failover", "--nodes", "1"],
      /^belay: option '--nodes <number>' argument '1' is invalid\. It takes a whole number from 2 to 9\.\n$/,
    ],
    [
      ["run", "pooled.yaml", "--pool", "db=0"],
      "belay: option '--pool <name=concurrency>' argument 'db=0' is invalid. It takes name=concurrency, a whole number from 1.\n",
    ],
    [
      ["demo", "oceanbase-failover", "--keep"],
      "belay: --keep means nothing to oceanbase-failover: it has no servers\n",
    ],
    [
      ["demo", "oceanbase-failover", "--nodes", "3"],
      "belay: --nodes means nothing to oceanbase-failover: it has no servers\n",
    ],
    [
      ["run", "kept.yaml", "--on-failure", "rollback"],
      'belay: --on-failure rollback: the plan "kept" prohibits rollback\n',
    ],
    [["run", "absent.yaml"], "belay: cannot read absent.yaml: no such file\n"],
    [
      ["run", "plan.yaml", "--actions", "absent.js"],
      /^belay: cannot load actions from absent\.js: Cannot find module .*absent\.js'\n$/,
    ],
    [
      ["run", "plan.yaml", "--actions", "actions.ts", "--params", "who=me", "count=x"],
      'belay: parameter count takes a whole number, not "x"\n',
    ],
  ])("bad usage is one line on stderr and exit code 2: %j", async (words, message) => {
    const { code, stdout, stderr } = await belay(...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trim().split("\n")).toHaveLength(1);
    if (typeof message === "string") expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
  });
});

describe("check", () => {
  test("R1: every error of a plan is a line with place, code, path and remedy", async () => {
    const { code, stdout, stderr } = await belay("check", "plan.yaml", "bad.yaml");
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe("plan.yaml: ok, 3 nodes");
    expect(lines[1]).toMatch(
      /^bad\.yaml:6:5: error UNKNOWN_FIELD nodes\[0\]\.upstream: .* \(did you mean "upstreams"\?\)$/,
    );
    expect(lines.length).toBeGreaterThan(1);
  });

  test("--json is one object per file", async () => {
    const { code, stdout } = await belay("check", "--json", "plan.yaml", "bad.yaml");
    const [good, bad] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(2);
    expect(good).toMatchObject({ file: "plan.yaml", valid: true, name: "sample", diagnostics: [] });
    expect(good?.["hash"]).toMatch(/^[0-9a-f]{64}$/);
    expect(bad).toMatchObject({ file: "bad.yaml", valid: false });
    expect(bad?.["diagnostics"]).not.toEqual([]);
  });

  test("--json answers for a file that cannot be read too", async () => {
    const { code, stdout, stderr } = await belay("check", "--json", "absent.yaml", "plan.yaml");
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    const [absent, good] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const error = "cannot read absent.yaml: no such file";
    expect(absent).toEqual({ file: expect.stringContaining("absent.yaml"), valid: false, error, diagnostics: [] });
    expect(good).toMatchObject({ valid: true });
  });
});

describe("graph", () => {
  test.each([
    ["mermaid", /^---\ntitle: "Sample"\n---\nflowchart TD\n/],
    ["dot", /^digraph plan \{\n/],
    ["json", /^\{\n {2}"name": "sample",/],
  ])("it draws as %s", async (format, start) => {
    const { code, stdout, stderr } = await belay("graph", "plan.yaml", "--format", format);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(start);
  });

  test("a bad plan prints its diagnostics on stderr and nothing on stdout", async () => {
    const { code, stdout, stderr } = await belay("graph", "bad.yaml");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("error UNKNOWN_FIELD");
  });
});

describe("run", () => {
  test("a run that succeeds exits with 0; off a terminal each event is a line", async () => {
    const { code, stdout, stderr } = await belay("run", "plan.yaml", "--actions", "actions.ts", "--params", "who=me");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\[ +\d+\.\d{3}s\] run started\n/);
    expect(stdout).toContain("] prepare: | prepared for me\n");
    expect(stdout).toContain("] run succeeded\n");
    expect(stdout).toMatch(/SUCCESSFUL after \d+\.\ds\n$/);
  });

  test("a run that fails exits with 1 and says why and what to do", async () => {
    const words = ["run", "plan.yaml", "--actions", "actions.ts", "--params", "who=me", "fail=true"];
    const { code, stdout } = await belay(...words);
    expect(code).toBe(1);
    expect(stdout).toContain("  ✗ work failed: the disk is full\n");
    expect(stdout).toContain(
      "    belay run plan.yaml --params who=me --params fail=true --actions actions.ts --on-failure rollback\n",
    );
  });

  test("R30: a run that is rolled back exits with 3", async () => {
    const words = ["--params", "who=me", "fail=true", "--actions", "actions.ts", "--on-failure", "rollback"];
    const { code, stdout } = await belay("run", "plan.yaml", ...words);
    expect(code).toBe(3);
    expect(stdout).toContain("] prepare: undone\n");
    expect(stdout).toContain("everything that had started is undone, or has nothing that undoes it\n");
  });

  test("--json: stdout is one event per line, the last line is the snapshot", async () => {
    const words = [
      "run",
      "plan.yaml",
      "--actions",
      "actions.ts",
      "--params",
      "@params.json",
      "--json",
      "--client-token",
      "t1",
    ];
    const { code, stdout, stderr } = await belay(...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: "run:started" });
    expect(lines.at(-1)).toMatchObject({ type: "snapshot", status: "SUCCESSFUL", clientToken: "t1" });
    expect(lines.filter((line) => line["type"] === "snapshot")).toHaveLength(1);
  });

  test("R3: actions that nobody exports and parameters that do not fit are refused before anything runs", async () => {
    const actions = await belay(
      "run",
      "plan.yaml",
      "--params",
      "who=me",
      "--actions",
      "named-actions.js",
      "--params",
      "cuont=1",
    );
    expect(actions.code).toBe(2);
    expect(actions.stderr).toContain('unknown parameter "cuont" (did you mean "count"?)');
    const missing = await belay("run", "hang.yaml", "--actions", "named-actions.js");
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toMatch(/^hang\.yaml:\d+:\d+: error UNKNOWN_ACTION nodes\[0\]\.action: /);
    const params = await belay("run", "plan.yaml", "--actions", "actions.ts");
    expect(params).toMatchObject({ code: 2, stdout: "" });
    expect(params.stderr).toMatch(/^--params: error PARAMS /);
  });

  test("R3: what is missing comes with the option that gives it", async () => {
    const actions = await belay("run", "hang.yaml");
    expect(actions.stderr).toMatch(/UNKNOWN_ACTION .* \(give the module that has it: --actions <module>\)\n$/);
    const pool = await belay("run", "pooled.yaml");
    expect(pool).toMatchObject({ code: 2, stdout: "" });
    expect(pool.stderr).toMatch(/UNKNOWN_POOL nodes\[0\]\.pool: .* \(give it: --pool <name>=<concurrency>\)\n/);
    expect(await belay("run", "pooled.yaml", "--pool", "db=1", "--pool", "net=2")).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  test("a secret is not repeated in the commands that come next", async () => {
    const words = ["run", "secret.yaml", "--actions", "actions.ts", "--params", "token=hunter2", "--pool", "db=1"];
    const { code, stdout, stderr } = await belay(...words);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain("    belay run secret.yaml --params 'token=<secret>' --actions actions.ts --pool db=1\n");
    expect(stdout).not.toContain("hunter2");
  });

  test("R2: --plan gives a plan that the plan runs; without it the run is refused, and says what to give", async () => {
    expect(await belay("run", "outer.yaml", "--plan", "inner.yaml")).toMatchObject({ code: 0 });
    const { code, stderr } = await belay("run", "outer.yaml");
    expect(code).toBe(2);
    expect(stderr).toContain('no plan "inner" is registered (give the file that has it: --plan <file>)');
  });
});

describe("demo", () => {
  test("the commands that come next keep the failure that was asked for", async () => {
    const { code, stdout } = await belay(
      "demo",
      "oceanbase-failover",
      "--fail",
      "mc-lock-ob-clusters",
      "--fail-when",
      "after",
    );
    expect(code).toBe(1);
    expect(stdout).toContain(
      "belay demo oceanbase-failover --fail mc-lock-ob-clusters --fail-when after --on-failure rollback",
    );
  });
});
