/** What a drill says of a fence, by how the fenced server answers. The server is a few bytes of PostgreSQL's protocol on loopback. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { actionsOn } from "./asked-control.ts";

/** An ErrorResponse with that SQLSTATE. */
function refusal(state: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${state}\0Mrefused\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

test.each([
  ["25006", undefined],
  ["42P07", "FENCE_LEAKS"],
  ["28P01", "FENCE_NOT_PROVED"],
  ["42501", "FENCE_NOT_PROVED"],
])("a fenced server that answers %s: %s", async (state, code) => {
  const server = createServer((socket) => socket.once("data", () => socket.end(refusal(state))));
  try {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const { act, asked } = actionsOn(null, 5, {}, port);
    const proved = act("postgres.prove-fenced", { input: { primary: "pg1", standbys: [] } });
    if (code === undefined) expect(await proved).toMatchObject({ refusedWith: state });
    else await expect(proved).rejects.toMatchObject({ code });
    expect(asked).toEqual(["start pg1", "stop pg1"]);
  } finally {
    server.close();
  }
});
