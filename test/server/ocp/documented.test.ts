/** The commands of docs/apis/ocp.md, run as they stand in a shell, against a server on a port of its own. */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readSettings, startServer } from "@belay/server";
import { expect, test } from "vitest";
import { clusters } from "./rig.ts";

const page = readFileSync(new URL("../../../docs/apis/ocp.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text as string);

function hasTools(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v curl openssl base64 date"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasTools())("every command answers; skipped where curl or openssl is not there", async () => {
  const credentials = { user: "admin", password: "belay-demo", accessKeyId: "demo-ak", accessKeySecret: "demo-sk" };
  const settings = await readSettings({ port: 0, ...credentials }, {});
  const server = await startServer(settings, { site: clusters().site });
  try {
    const answers: string[] = [];
    for (const block of blocks) {
      const script = block.replaceAll("127.0.0.1:8080", new URL(server.url).host);
      answers.push(await shell(script));
      await server.host.engine.run("1")?.settled();
    }
    expect(answers).toHaveLength(3);
    expect(answers[0]).toContain('"valid":true');
    expect(answers[1]).toContain('"nextOffset":');
    expect(answers[2]).toContain('"totalElements":1');
  } finally {
    await server.close();
  }
});

async function shell(script: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile("sh", ["-euc", script], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${script}\n${stdout}\n${stderr}\n${error.message}`));
    });
  });
}
