/** Schemas of plans as the native API shows them. */
import { flag, list, object, oneOf, open, ref, type Schema, text, whole } from "./build.ts";

const row = {
  name: text("What POST /v1/runs takes."),
  title: text(),
  description: text(),
  labels: open("Words of the plan's author, such as kind: failover."),
  hash: text("SHA-256 of the plan's canonical JSON, hex."),
  startable: flag("All of its actions are known here."),
  missingActions: list(text()),
  allowed: flag("You may start and steer its runs."),
};

/** By the names that `ref` takes. */
export const PLAN_SCHEMAS: Readonly<Record<string, Schema>> = {
  PlanRow: object(row, [], "A plan in the list of plans."),
  Plan: object(
    {
      ...row,
      document: open("The whole plan (packages/engine/plan.schema.json)."),
      params: open("JSON Schema of its runs' parameters; empty when it takes none."),
      pointsOfNoReturn: list(text(), "Nodes after whose start a plain rollback is refused."),
      prohibitRollback: flag("Its runs can never be rolled back."),
    },
    [],
    "A plan.",
  ),
  Diagnostic: object(
    {
      code: text(),
      severity: oneOf(["error", "warning"]),
      path: text("Place in the document; empty = all of it."),
      message: text(),
      suggestion: text(),
      line: whole("From 1; of a plan given as text."),
      column: whole("From 1."),
    },
    ["suggestion", "line", "column"],
    "What is wrong with a plan.",
  ),
  PlanCheck: object(
    { valid: flag(), hash: text("Of a valid plan."), diagnostics: list(ref("Diagnostic")) },
    ["hash"],
    "What a check of a plan found.",
  ),
};
