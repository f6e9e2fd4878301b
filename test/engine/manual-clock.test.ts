/** The manual clock of `@belay/engine/testing`: what every other engine test relies on for time (R26). */
import { ManualClock } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";

test("callbacks fire by due time, then in the order of scheduling, each at its own time", () => {
  const clock = new ManualClock(1_000);
  const fired: [string, number][] = [];
  const note = (name: string) => () => fired.push([name, clock.now()]);
  clock.schedule(30, note("late"));
  clock.schedule(10, note("first"));
  clock.schedule(10, note("second"));
  clock.advance(29);
  expect(fired).toEqual([
    ["first", 1_010],
    ["second", 1_010],
  ]);
  expect(clock.now()).toBe(1_029);
  clock.advance(1);
  expect(fired.at(-1)).toEqual(["late", 1_030]);
});

test("a callback scheduled by a callback fires on the same way when it falls due", () => {
  const clock = new ManualClock(0);
  const fired: number[] = [];
  const again = (): void => {
    fired.push(clock.now());
    if (fired.length < 3) clock.schedule(10, again);
  };
  clock.schedule(10, again);
  clock.advance(100);
  expect(fired).toEqual([10, 20, 30]);
});

test("a cancelled callback does not fire; cancelling twice, or after firing, removes nothing else", () => {
  const clock = new ManualClock(0);
  const fired: string[] = [];
  const cancel = clock.schedule(10, () => fired.push("a"));
  clock.schedule(10, () => fired.push("b"));
  const done = clock.schedule(1, () => fired.push("c"));
  cancel();
  cancel();
  clock.advance(5);
  done();
  expect(clock.pending).toBe(1);
  clock.advance(5);
  expect(fired).toEqual(["c", "b"]);
});

test("next jumps to the earliest due time and says whether there was one", () => {
  const clock = new ManualClock(0);
  const fired: string[] = [];
  clock.schedule(2 ** 40, () => fired.push("far"));
  expect(clock.nextDue).toBe(2 ** 40);
  expect(clock.next()).toBe(true);
  expect(clock.now()).toBe(2 ** 40);
  expect(clock.next()).toBe(false);
  expect(fired).toEqual(["far"]);
});

test("elapse lets a promise arm the next deadline before time goes on", async () => {
  const clock = new ManualClock(0);
  const fired: number[] = [];
  clock.schedule(10, () => {
    void Promise.resolve().then(() => clock.schedule(5, () => fired.push(clock.now())));
  });
  await clock.elapse(20);
  expect(fired).toEqual([15]);
  expect(clock.now()).toBe(20);
});

test("any schedule and any cancels: exactly the rest fires, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ delay: fc.nat(50), cancel: fc.boolean() })), (alarms) => {
      const clock = new ManualClock(0);
      const fired: number[] = [];
      const cancels = alarms.map(({ delay }, index) => clock.schedule(delay, () => fired.push(index)));
      for (const [index, { cancel }] of alarms.entries()) if (cancel) cancels[index]?.();
      clock.advance(50);
      const expected = alarms
        .map(({ delay, cancel }, index) => ({ delay, cancel, index }))
        .filter(({ cancel }) => !cancel)
        .sort((a, b) => a.delay - b.delay || a.index - b.index)
        .map(({ index }) => index);
      expect(fired).toEqual(expected);
      expect(clock.pending).toBe(0);
    }),
  );
});
