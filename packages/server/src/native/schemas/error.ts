/** Schema of the envelope that every refusal of the native API comes in. */
import { object, open, type Schema, text } from "./build.ts";

/** By the names that `ref` takes. */
export const ERROR_SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object(
    {
      error: object(
        {
          code: text("Stable, for programs; docs/apis/native.md has them all."),
          message: text("For people: what is wrong, where, and what to do."),
          requestId: text("As in x-request-id, and in the server's audit log."),
          details: open("Facts behind the message."),
        },
        ["details"],
      ),
    },
    [],
    "A refusal.",
  ),
};
