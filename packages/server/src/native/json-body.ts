/**
 * Bodies of the native API: JSON, and only JSON. Read like plans are: nothing nested beyond the limit, no key twice, no integer that a
 * number cannot hold, no `__proto__` that becomes one.
 */
import { formatDiagnostic, readDocument } from "@belay/engine";
import type { FastifyInstance } from "fastify";
import { Fault } from "../web/fault.ts";

/** Reads bodies of type application/json, refuses every other one with 415. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_, body, done) => {
    const text = String(body);
    if (text === "") return done(null, undefined);
    const { value, diagnostics } = readDocument(text, { filename: "body.json" });
    if (diagnostics.length === 0) return done(null, value);
    const lines = diagnostics.slice(0, 10).map((diagnostic) => formatDiagnostic(diagnostic, "body"));
    return done(new Fault(400, "MALFORMED", `the body is no JSON that is read here: ${lines.join("; ")}`));
  });
  // A request without a body says the same as one with an empty object.
  app.addHook("preValidation", async (request) => {
    if (request.method === "POST") request.body ??= {};
  });
}
