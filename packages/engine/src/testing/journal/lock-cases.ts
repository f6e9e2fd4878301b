/**
 * Conformance cases about what `create` takes: the client token (R43) and the locks (J4, R40), all or none, with tokens
 * that only grow.
 */
import type { CreateResult, Lease } from "../../journal/port.ts";
import { type CaseScript, check, created, type JournalStage, readRun, type Seat, same } from "./stage.ts";

export const LOCK_CASES: readonly CaseScript[] = [
  { name: "R43: a client token that is known answers its run, and writes nothing", play: knowsTokens },
  { name: "R43: a client token is forgotten with its run, and not before", play: forgetsTokens },
  { name: "R43: of many creates with one client token at once, one makes the run", play: tokensAtOnce },
  { name: "J4 (R40): locks are taken all or none, and who holds them is named", play: takesAllOrNone },
  { name: "J4 (R40): a lock is freed by the append that ends its run, and by no other", play: freesAtTheEnd },
  { name: "J4 (R40): a removed run frees its locks", play: freesAtRemoval },
  {
    name: "J4 (R40): every grant has a greater token: the next run's, a claim's, and after a removal",
    play: tokensGrow,
  },
  { name: "J4 (R40): a lease has a token for each of its locks and for nothing else", play: tokensByResource },
  { name: "J4 (R40): lock names are told apart letter by letter", play: keepsNamesApart },
  { name: "J4 (R40): a release keeps the locks", play: releaseKeepsLocks },
  { name: "J4 (R40): of many creates that want one lock at once, one gets it", play: locksAtOnce },
  {
    name: "J4 (R40): of runs of two engines that want one lock at once, one gets it",
    needs: ["many engines"],
    play: locksAcross,
  },
  { name: "R43: two engines know each other's client tokens", needs: ["many engines"], play: tokensAcross },
];

async function knowsTokens(stage: JournalStage): Promise<void> {
  const { journal, engine } = await stage.sit();
  const header = stage.header("run-1", { clientToken: "token", requestHash: "c".repeat(64) });
  const lease = created(await journal.create(engine, header, ["lock"]));
  const known = { kind: "existing", runId: "run-1", requestHash: "c".repeat(64) };
  const other = stage.header("run-2", { clientToken: "token", requestHash: "d".repeat(64) });
  same(await journal.create(engine, other, ["free"]), known, "R43: the token's run and its request");
  same(await journal.create(engine, other, ["lock"]), known, "R43: also when a lock is held");
  same(await journal.create(engine, header, ["lock"]), known, "R43: also under the same run id");
  same(await journal.read("run-2"), undefined, "R43: nothing was written");
  await stage.create({ journal, engine } as Seat, "run-3", ["free"]);
  await journal.release(lease);
  same(await journal.create(engine, other, []), known, "R43: also without an owner");
  const unlike = stage.header("run-4", { clientToken: "token " });
  check((await journal.create(engine, unlike, [])).kind === "created", "R43: another token is another");
  for (const runId of ["run-5", "run-6"]) {
    check((await journal.create(engine, stage.header(runId), [])).kind === "created", "R43: no token is no token");
  }
}

async function forgetsTokens(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const make = (runId: string) => seat.journal.create(seat.engine, stage.header(runId, { clientToken: "token" }), []);
  const lease = created(await make("run-1"));
  await stage.end(seat, lease, 0);
  same((await make("run-2")).kind, "existing", "R43: a run that has ended keeps its token");
  await seat.journal.remove("run-1");
  same((await make("run-2")).kind, "created", "R43: a removed run frees its token");
}

async function tokensAtOnce(stage: JournalStage): Promise<void> {
  const { journal, engine } = await stage.sit();
  const results = await Promise.all(
    Array.from({ length: 8 }, async (_, index) =>
      journal.create(engine, stage.header(`run-${index}`, { clientToken: "token" }), ["lock"]),
    ),
  );
  const made = results.flatMap((result) => (result.kind === "created" ? [result.lease.runId] : []));
  same(made.length, 1, "R43: one of them is made");
  const told = results.flatMap((result) => (result.kind === "existing" ? [result.runId] : []));
  same(told, Array(7).fill(made[0]), "R43: the others are told which");
  same((await journal.list()).length, 1, "R43: there is one run");
}

async function takesAllOrNone(stage: JournalStage): Promise<void> {
  const { journal, engine } = await stage.sit();
  const seat = { journal, engine } as Seat;
  await stage.create(seat, "run-1", ["b"]);
  const refused = await journal.create(engine, stage.header("run-2", { clientToken: "token" }), ["a", "b", "c"]);
  same(refused, { kind: "locked", resource: "b", heldBy: "run-1" }, "J4: the lock and its holder are named");
  same(await journal.read("run-2"), undefined, "J4: nothing was written");
  await stage.create(seat, "run-3", ["a"]);
  await stage.create(seat, "run-4", ["c"]);
  const again = await journal.create(engine, stage.header("run-2", { clientToken: "token" }), []);
  same(again.kind, "created", "J4: the refused run took no client token and no run id");
}

async function freesAtTheEnd(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const { journal, engine } = seat;
  const lease = await stage.create(seat, "run-1", ["a", "b"]);
  const want = (runId: string) => journal.create(engine, stage.header(runId), ["b", "a"]);
  await stage.append(seat, lease, 0, 3);
  await journal.append(lease, [{ seq: 3, input: { kind: "pause", at: 5 } }], { status: "FAILED", ended: false, at: 5 });
  same((await want("run-2")).kind, "locked", "J4: a run that rests in FAILED keeps its locks");
  await stage.end(seat, lease, 4);
  same((await journal.list())[0]?.locks, [], "J4: a run that has ended holds nothing");
  same((await want("run-2")).kind, "created", "J4: the end frees all its locks");
  await stage.append(seat, lease, 5);
  same((await want("run-3")).kind, "locked", "J4: an append to the ended run touches no lock of another");
}

async function freesAtRemoval(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const ended = await stage.create(seat, "ended", ["x"]);
  await stage.end(seat, ended, 0);
  await stage.create(seat, "next", ["x"]);
  await seat.journal.remove("ended");
  const third = await seat.journal.create(seat.engine, stage.header("third"), ["x"]);
  same(third, { kind: "locked", resource: "x", heldBy: "next" }, "J4: removal frees no lock of another");
  await seat.journal.remove("next");
  check((await seat.journal.create(seat.engine, stage.header("third"), ["x"])).kind === "created", "J4: freed");
}

async function tokensGrow(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const tokens: number[] = [];
  const grant = (lease: Lease): Lease => {
    tokens.push(lease.tokens["x"] as number);
    return lease;
  };
  const first = grant(await stage.create(seat, "first", ["x"]));
  const again = grant(await stage.claim(seat, "first"));
  check(again.epoch > first.epoch, "J3: epochs grow");
  await stage.end(seat, again, 0);
  grant(await stage.create(seat, "second", ["x"]));
  await seat.journal.remove("second");
  await seat.journal.remove("first");
  const third = grant(await stage.create(seat, "third", ["x"]));
  await seat.journal.release(third);
  grant(await stage.claim(seat, "third"));
  await stage.stand(seat);
  const later = await stage.sit("later");
  grant(await stage.claim(later, "third"));
  check(
    tokens.every((token) => Number.isSafeInteger(token) && token >= 1),
    `J4: tokens are integers: ${tokens}`,
  );
  check(
    tokens.every((token, index) => index === 0 || token > (tokens[index - 1] as number)),
    `J4: tokens grow: ${tokens}`,
  );
}

async function tokensByResource(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const locks = ["b", "a", "__proto__"];
  const lease = await stage.create(seat, "run-1", locks);
  same(Object.keys(lease.tokens).toSorted(), locks.toSorted(), "J4: a token for each lock");
  const again = await stage.claim(seat, "run-1");
  same(Object.keys(again.tokens).toSorted(), locks.toSorted(), "J4: a claim has a token for each lock, too");
  for (const lock of locks) {
    const [before, after] = [lease, again].map(
      ({ tokens }) => Object.entries(tokens).find(([name]) => name === lock)?.[1],
    );
    check((after as number) > (before as number), `J4: the claim's token of ${lock} is greater`);
  }
  same(Object.keys((await stage.create(seat, "run-2")).tokens), [], "J4: without locks there are no tokens");
}

async function keepsNamesApart(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const names = ["a", "A", "a ", " a", "a%", "a_", "'a'", "a\\", "é", "e\u0301", "\u{1f9ef}", "a".repeat(2_000)];
  for (const [index, name] of names.entries()) await stage.create(seat, `run-${index}`, [name]);
  for (const [index, name] of names.entries()) {
    const refused = await seat.journal.create(seat.engine, stage.header("more"), [name]);
    same(refused, { kind: "locked", resource: name, heldBy: `run-${index}` }, "J4: each name is a lock of its own");
  }
  const listed = (await seat.journal.list()).map(({ locks }) => locks[0]);
  same(listed, names, "list names the locks as they were asked for");
}

async function releaseKeepsLocks(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  await seat.journal.release(await stage.create(seat, "run-1", ["x"]));
  same((await seat.journal.list())[0]?.locks, ["x"], "J4: a run without an owner keeps its locks");
  same((await seat.journal.create(seat.engine, stage.header("run-2"), ["x"])).kind, "locked", "J4: nobody else has it");
}

async function locksAtOnce(stage: JournalStage): Promise<void> {
  const { journal, engine } = await stage.sit();
  const results = await Promise.all(
    Array.from({ length: 8 }, async (_, index) =>
      journal.create(engine, stage.header(`run-${index}`), [`${index}`, "x"]),
    ),
  );
  oneHolder(results, "x");
  same((await journal.list()).length, 1, "J4: the refused runs are not there");
}

async function locksAcross(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  for (let round = 0; round < 10; round++) {
    const want = ({ journal, engine }: Seat, locks: readonly string[]) =>
      journal.create(engine, stage.header(`${engine}/${round}`), locks);
    const names = [`x ${round}`, `y ${round}`];
    oneHolder(await Promise.all([want(a, names), want(b, names.toReversed())]), undefined);
  }
}

function oneHolder(results: readonly CreateResult[], resource: string | undefined): void {
  const holders = results.flatMap((result) => (result.kind === "created" ? [result.lease.runId] : []));
  same(holders.length, 1, `J4: one run gets it: ${JSON.stringify(results)}`);
  for (const result of results) {
    if (result.kind === "created") continue;
    const told = result.kind === "locked" ? [result.heldBy, resource ?? result.resource] : [];
    same(
      told,
      [holders[0], result.kind === "locked" ? result.resource : resource],
      "J4: the others are told who has it",
    );
  }
}

async function tokensAcross(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  for (let round = 0; round < 10; round++) {
    const make = ({ journal, engine }: Seat) =>
      journal.create(engine, stage.header(`${engine}/${round}`, { clientToken: `token ${round}` }), []);
    const results = await Promise.all([make(a), make(b)]);
    same(results.map(({ kind }) => kind).toSorted(), ["created", "existing"], "R43: one of them makes the run");
    const [runId] = results.flatMap((result) => (result.kind === "created" ? [result.lease.runId] : []));
    const known = results.find((result) => result.kind === "existing");
    same(known, { ...known, runId }, "R43: the other is told which");
    const { header } = await readRun(a.journal, runId as string);
    same(header.clientToken, `token ${round}`, "R43: with its token");
  }
}
