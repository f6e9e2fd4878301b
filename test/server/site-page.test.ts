/** The two files and the commands of docs/apis.md, in a directory that knows no package: a site of one's own, to the end of its run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../house/tree.ts";

const page = readFileSync(join(ROOT, "docs/apis.md"), "utf8");
const block = (pattern: RegExp): string => pattern.exec(page)?.[1] ?? "";
const BELAY = join(ROOT, "packages/cli/bin/belay.js");
let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "belay-site-"));
  mkdirSync(join(directory, "plans"));
  writeFileSync(join(directory, "site.mjs"), block(/```js\n([\s\S]*?)```/));
  writeFileSync(join(directory, "plans/move-app.yaml"), block(/```yaml\n(belay: 1\n[\s\S]*?)```/));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("the site of docs/apis.md serves its plan; its run waits for ann, and ends well", async () => {
  const words = block(/npx belay (serve --site site\.mjs .*) &\n/).replace(/--port \d+/, "--port 0");
  const child = spawn("sh", ["-c", `exec "${process.execPath}" "${BELAY}" ${words}`], {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", NODE_OPTIONS: "--conditions=source" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const url = /http:\S+/.exec(String(line))?.[0] ?? "";
    const ask = async (path: string, body?: object): Promise<Record<string, unknown>> => {
      const authorization = `Basic ${Buffer.from("ann:a password of hers").toString("base64")}`;
      const answer = await fetch(`${url}${path}`, {
        headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      });
      expect(answer.ok, path).toBe(true);
      return (await answer.json()) as Record<string, unknown>;
    };
    const body = JSON.parse(block(/-d '(\{"mode": "planned"\})'/)) as object;
    const { id } = await ask("/v1/clusters/app/failover", body);
    await ask(`/v1/runs/${id}/approve`, { node: "ask" });
    const answer = await fetch(`${url}/v1/runs/${id}/events`, {
      headers: { authorization: `Basic ${Buffer.from("ann:a password of hers").toString("base64")}` },
    });
    await answer.text();
    expect((await ask(`/v1/runs/${id}`))["status"]).toBe("SUCCESSFUL");
    expect(JSON.stringify(await ask(`/v1/runs/${id}/logs`))).toContain("started on b");
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
});
