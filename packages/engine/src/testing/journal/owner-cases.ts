/**
 * Conformance cases about who may write (J3, R44): one owner per run, epochs that only grow, FENCED for everyone else,
 * and two engines on one medium.
 */
import type { Lease } from "../../journal/port.ts";
import {
  type CaseScript,
  check,
  created,
  failsWith,
  type JournalStage,
  progressOf,
  readRun,
  records,
  type Seat,
  same,
  sameRecords,
} from "./stage.ts";

export const OWNER_CASES: readonly CaseScript[] = [
  { name: "J3 (R44): the first epoch of a run is from 1 on, and each claim's is greater", play: epochsGrow },
  {
    name: "J3 (R44): an append with an epoch that is over fails with FENCED and writes nothing",
    play: fencesOldEpochs,
  },
  { name: "J3 (R44): an append with an epoch that nobody granted fails with FENCED", play: fencesInventedEpochs },
  { name: "J3 (R44): who has released a run writes nothing more to it", play: fencesAfterRelease },
  { name: "J3 (R44): a fenced append ends no run and frees no lock", play: fencedEndsNothing },
  { name: "J3: release with an epoch that is over, or of an unknown run, changes nothing", play: releasesOnlyItsOwn },
  { name: "claim answers unknown for a run nobody created", play: claimsUnknown },
  { name: "close releases the runs of its engine, and the journal can be opened again", play: closesAndOpens },
  { name: "J3: a run that has ended can be claimed and read", play: claimsEnded },
  {
    name: "J3 (R44): a run of a living engine is held, and is another's once it was released",
    needs: ["many engines"],
    play: handsOver,
  },
  {
    name: "J3 (R44): of two engines that claim one run at once, one gets it",
    needs: ["many engines"],
    play: claimsAtOnce,
  },
  {
    name: "J3 (R44): close releases the runs of that engine and of no other",
    needs: ["many engines"],
    play: closesOnlyItsOwn,
  },
  {
    name: "J1, J3: two engines write to one journal side by side, each to its own runs",
    needs: ["many engines"],
    play: writesSideBySide,
  },
  {
    name: "J3 (R44): a second engine is refused with JOURNAL_IN_USE, which names the first, until that has closed",
    needs: ["one engine"],
    play: refusesTheSecond,
  },
];

async function epochsGrow(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const epochs = [(await stage.create(seat, "run-1")).epoch];
  for (let claims = 0; claims < 3; claims++) {
    const lease = await stage.claim(seat, "run-1");
    same(lease.runId, "run-1", "a lease names its run");
    epochs.push(lease.epoch);
    if (claims === 1) await seat.journal.release(lease);
  }
  check(epochs[0] !== undefined && epochs[0] >= 1, "J3: epochs are from 1 on");
  check(
    epochs.every((epoch, index) => index === 0 || epoch > (epochs[index - 1] as number)),
    `J3: epochs grow: ${epochs}`,
  );
}

async function fencesOldEpochs(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const old = await stage.create(seat, "run-1");
  const written = [...(await stage.append(seat, old, 0, 2))];
  const lease = await stage.claim(seat, "run-1");
  await failsWith(["FENCED"], () => stage.append(seat, old, 2), "J3: an append of the former owner");
  written.push(...(await stage.append(seat, lease, 2, 2)));
  await failsWith(["FENCED"], () => stage.append(seat, old, 4), "J3: an append of the former owner, later");
  sameRecords((await readRun(seat.journal, "run-1")).records, written, "J3: a fenced append writes nothing");
  const [summary] = await seat.journal.list();
  same(summary?.records, written.length, "J3: a fenced append is not counted");
  same(summary?.at, written.at(-1)?.input.at, "J3: a fenced append moves no progress");
}

async function fencesInventedEpochs(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  for (const epoch of [lease.epoch + 1, lease.epoch - 1, 0, -1]) {
    await failsWith(["FENCED"], () => stage.append(seat, { ...lease, epoch }, 0), `J3: epoch ${epoch}`);
  }
  same((await readRun(seat.journal, "run-1")).records, [], "J3: a fenced append writes nothing");
  await stage.append(seat, lease, 0);
}

async function fencesAfterRelease(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1");
  const written = await stage.append(seat, lease, 0);
  await seat.journal.release(lease);
  same((await seat.journal.list())[0]?.owner, null, "a released run has no owner");
  await failsWith(["FENCED"], () => stage.append(seat, lease, 1), "J3: an append after the release");
  sameRecords((await readRun(seat.journal, "run-1")).records, written, "J3: a fenced append writes nothing");
}

async function fencedEndsNothing(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const old = await stage.create(seat, "run-1", ["lock"]);
  await stage.claim(seat, "run-1");
  await failsWith(["FENCED"], () => stage.end(seat, old, 0), "J3: the end as the former owner sees it");
  const [summary] = await seat.journal.list();
  same(
    [summary?.ended, summary?.status, summary?.locks],
    [false, "RUNNING", ["lock"]],
    "J3: a fenced end ends nothing",
  );
  const other = await seat.journal.create(seat.engine, stage.header("run-2"), ["lock"]);
  same(other, { kind: "locked", resource: "lock", heldBy: "run-1" }, "J3: a fenced end frees no lock");
}

async function releasesOnlyItsOwn(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const old = await stage.create(seat, "run-1");
  const lease = await stage.claim(seat, "run-1");
  await seat.journal.release(old);
  await seat.journal.release({ ...lease, runId: "never" });
  same((await seat.journal.list())[0]?.owner, seat.engine, "J3: a release with an old epoch releases nothing");
  await stage.append(seat, lease, 0);
  await seat.journal.release(lease);
  await seat.journal.release(lease);
  same((await seat.journal.list())[0]?.owner, null, "J3: the owner's release does");
}

async function claimsUnknown(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  same(await seat.journal.claim(seat.engine, "never"), { kind: "unknown" }, "claim of an unknown run");
}

async function closesAndOpens(stage: JournalStage): Promise<void> {
  const first = await stage.sit("first");
  const lease = await stage.create(first, "run-1");
  const written = await stage.append(first, lease, 0, 3);
  await stage.stand(first);
  const second = await stage.sit("second");
  same((await second.journal.list())[0]?.owner, null, "close releases the runs of its engine");
  const next = await stage.claim(second, "run-1");
  check(next.epoch > lease.epoch, "J3: epochs grow over a close");
  sameRecords((await readRun(second.journal, "run-1")).records, written, "J1: what was appended before the close");
  await failsWith(["FENCED"], () => stage.append(second, lease, 3), "J3: the lease of before the close");
  await stage.append(second, next, 3);
}

async function claimsEnded(stage: JournalStage): Promise<void> {
  const seat = await stage.sit();
  const lease = await stage.create(seat, "run-1", ["lock"]);
  await stage.end(seat, lease, 0);
  const again = await stage.claim(seat, "run-1");
  check(again.epoch > lease.epoch, "J3: epochs grow");
  same(again.tokens, {}, "J4: an ended run holds no locks");
  same((await readRun(seat.journal, "run-1")).records.length, 1, "an ended run is read");
}

async function handsOver(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  const lease = await stage.create(a, "run-1");
  await stage.append(a, lease, 0, 2);
  same(await b.journal.claim(b.engine, "run-1"), { kind: "held", by: "engine-a" }, "J3: claim of a run that is held");
  await stage.append(a, lease, 2);
  await a.journal.release(lease);
  const next = await stage.claim(b, "run-1");
  check(next.epoch > lease.epoch, "J3: epochs grow from owner to owner");
  await stage.append(b, next, 3, 2);
  await failsWith(["FENCED"], () => stage.append(a, lease, 3), "J3: the former owner's append");
  same((await a.journal.list())[0]?.owner, "engine-b", "list names the owner");
  same(await a.journal.claim(a.engine, "run-1"), { kind: "held", by: "engine-b" }, "J3: the former owner's claim");
  await a.journal.release(lease);
  await stage.append(b, next, 5);
  sameRecords((await readRun(a.journal, "run-1")).records, records(0, 6), "J5: both owners' records, in order");
}

async function claimsAtOnce(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  for (let round = 0; round < 10; round++) {
    const runId = `run-${round}`;
    await a.journal.release(await stage.create(a, runId));
    const results = await Promise.all([a.journal.claim(a.engine, runId), b.journal.claim(b.engine, runId)]);
    const kinds = results.map(({ kind }) => kind).toSorted();
    same(kinds, ["claimed", "held"], "J3: of two claims at once one wins");
    const winner = results[0].kind === "claimed" ? a : b;
    const lost = results.find((result) => result.kind === "held");
    same(lost, { kind: "held", by: winner.engine }, "J3: who lost is told who has it");
  }
}

async function closesOnlyItsOwn(stage: JournalStage): Promise<void> {
  const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  await stage.create(a, "run-a");
  const lease = await stage.create(b, "run-b");
  await stage.stand(a);
  const owners = (await b.journal.list()).map(({ runId, owner }) => [runId, owner]);
  same(
    owners,
    [
      ["run-a", null],
      ["run-b", "engine-b"],
    ],
    "close releases the runs of that engine alone",
  );
  await stage.append(b, lease, 0);
  await stage.claim(b, "run-a");
}

async function writesSideBySide(stage: JournalStage): Promise<void> {
  const seats = [await stage.sit("engine-a"), await stage.sit("engine-b")];
  const write = async (seat: Seat, runId: string): Promise<void> => {
    const lease: Lease = created(await seat.journal.create(seat.engine, stage.header(runId), []));
    for (let seq = 0; seq < 20; seq++) {
      const batch = records(seq, 1);
      await seat.journal.append(lease, batch, progressOf(batch));
    }
  };
  await Promise.all(seats.flatMap((seat) => [0, 1, 2].map((index) => write(seat, `${seat.engine}/${index}`))));
  for (const { journal } of seats) {
    const listed = await journal.list();
    same(listed.length, 6, "list has the runs of all engines");
    for (const { runId, owner } of listed) {
      same(owner, runId.split("/")[0], "J3: each run is its creator's");
      sameRecords((await readRun(journal, runId)).records, records(0, 20), `J1: run ${runId}`);
    }
  }
}

async function refusesTheSecond(stage: JournalStage): Promise<void> {
  const first = await stage.sit("engine-a");
  const lease = await stage.create(first, "run-1");
  for (let tries = 0; tries < 3; tries++) {
    await failsWith(["JOURNAL_IN_USE"], () => stage.sit("engine-b"), "J3: a second engine");
    await stage.append(first, lease, tries);
  }
  const message = await stage.sit("engine-b").then(
    () => "",
    (error: unknown) => String(error),
  );
  check(message.includes("engine-a"), `JOURNAL_IN_USE names the engine that has it: ${message}`);
  await stage.stand(first);
  const second = await stage.sit("engine-b");
  await stage.append(second, await stage.claim(second, "run-1"), 3);
  sameRecords((await readRun(second.journal, "run-1")).records, records(0, 4), "J5: the refused engine harmed nothing");
}
