/**
 * What people ask of runs from outside, and what became of it (R37). Asking, taking and answering twice changes nothing, so
 * that each may be tried again.
 */
import { BelayError } from "../../errors.ts";
import type { OperatorRequest, RequestAnswer } from "../port.ts";
import type { Database } from "./database.ts";
import { checkStorable } from "./grants.ts";
import { isStorable } from "./options.ts";

export class Requests {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps a request and tells the run's owner. Fails with NOT_FOUND. */
  async ask(request: OperatorRequest): Promise<void> {
    const { requestId, runId } = request;
    checkStorable(requestId);
    const { sql, names } = this.#database;
    const values = [runId, requestId, JSON.stringify(request), names.channel];
    const known = isStorable(runId)
      ? await this.#database.ask(`asking run ${runId}`, (query) => query(sql.ask, values))
      : [];
    if (known.length === 0) throw new BelayError("NOT_FOUND", `no run ${runId}`);
  }

  /** Requests without an answer for the runs of an owner, in the order of asking. */
  async take(owner: string): Promise<readonly OperatorRequest[]> {
    const { sql } = this.#database;
    const rows = await this.#database.ask("taking requests", (query) => query(sql.openRequests, [owner]));
    return rows.map(({ request }) => JSON.parse(String(request)) as OperatorRequest);
  }

  async answer(requestId: string, answer: RequestAnswer): Promise<void> {
    if (!isStorable(requestId)) return;
    const { sql } = this.#database;
    const values = [requestId, JSON.stringify(answer)];
    await this.#database.ask("answering a request", (query) => query(sql.answer, values));
  }

  /** Fails with NOT_FOUND. */
  async answerTo(requestId: string): Promise<RequestAnswer | undefined> {
    const { sql } = this.#database;
    const [row] = isStorable(requestId)
      ? await this.#database.ask("reading an answer", (query) => query(sql.answerTo, [requestId]))
      : [];
    if (row === undefined) throw new BelayError("NOT_FOUND", `no request ${requestId}`);
    return row["answer"] === null ? undefined : (JSON.parse(String(row["answer"])) as RequestAnswer);
  }
}
