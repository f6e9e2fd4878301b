/**
 * Checks what a request says against its route's schemas. The one door to ajv. Bodies are taken as they are; what stands in a URL is text,
 * and is read as the number or the flag that its schema asks for. Owns: that a refusal names every place that is wrong.
 */
import { Ajv, type ErrorObject } from "ajv";
import type { FastifySchemaCompiler, FastifySchemaValidationError } from "fastify";
import { Fault } from "../web/fault.ts";
import type { Schema } from "./schemas/build.ts";

const OPTIONS = { allErrors: true, strict: false, useDefaults: false, validateFormats: false } as const;
const strict = new Ajv(OPTIONS);
const lenient = new Ajv({ ...OPTIONS, coerceTypes: true });
/** A request may be wrong in more places than anybody reads. */
const MOST_FAULTS = 20;

/** Of the framework. */
export const compileRequestSchema: FastifySchemaCompiler<Schema> = ({ schema, httpPart }) =>
  (httpPart === "body" ? strict : lenient).compile(schema);

/** The refusal: one sentence for each place. */
export function requestFault(errors: readonly FastifySchemaValidationError[], part: string): Fault {
  const faults = errors.slice(0, MOST_FAULTS).map((error) => faultOf(error as ErrorObject, part));
  const message = faults.map(({ place, message: sentence }) => `${place} ${sentence}`).join("; ");
  return new Fault(400, "INVALID_ARGUMENT", message, { details: { faults } });
}

function faultOf(error: ErrorObject, part: string): { readonly place: string; readonly message: string } {
  const place = `${part === "querystring" ? "query" : part}${error.instancePath.replaceAll("/", ".")}`;
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "additionalProperties":
      return { place: `${place}.${String(params["additionalProperty"]).slice(0, 100)}`, message: "is not known here" };
    case "required":
      return { place: `${place}.${String(params["missingProperty"])}`, message: "is missing" };
    case "enum":
      return { place, message: `must be one of ${(params["allowedValues"] as readonly string[]).join(", ")}` };
    default:
      return { place, message: error.message ?? "is wrong" };
  }
}
