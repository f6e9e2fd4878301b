/**
 * The plan's JSON Schema, from the schema the parser runs, so that editors and parser agree. `generate.ts` writes it to
 * `packages/engine/plan.schema.json`.
 */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import {
  expressionSchema,
  labelsSchema,
  paramsSchema,
  planSchema,
  templateSchema,
} from "../packages/engine/src/plan/schema.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** What valibot cannot express by itself, written out. */
const WRITTEN_OUT: ReadonlyMap<unknown, JsonSchema> = new Map<unknown, JsonSchema>([
  [templateSchema, { $ref: "#/$defs/template" }],
  [paramsSchema, { type: "object", $ref: DRAFT } as JsonSchema],
  [labelsSchema, { type: "object", additionalProperties: { type: "string" } }],
]);

/** Any JSON value; a mapping with `$cel` is an expression and nothing else. */
const TEMPLATE: JsonSchema = {
  if: { type: "object", required: ["$cel"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: { $ref: "#/$defs/expression" },
  else: {
    additionalProperties: { $ref: "#/$defs/template" },
    items: { $ref: "#/$defs/template" },
  },
};

/** Text of `plan.schema.json`. */
export function generatePlanSchema(): string {
  const { $schema, $defs, ...plan } = toJsonSchema(planSchema, {
    target: "draft-2020-12",
    definitions: { expression: expressionSchema },
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      const written = WRITTEN_OUT.get(valibotSchema);
      return written === undefined ? undefined : { ...jsonSchema, ...written };
    },
  });
  const schema = {
    $schema: $schema ?? DRAFT,
    $id: "urn:belay:plan:1",
    title: "Belay plan",
    ...plan,
    $defs: { ...$defs, template: TEMPLATE },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
