/** Ctrl-C: once asks, twice forces, and one press is one press however many signals it makes. */
import { expect, test } from "vitest";
import { Interrupts } from "../../packages/cli/src/interrupts.ts";

function pressed(...times: readonly number[]): { readonly asked: boolean; readonly forced: number } {
  let forced = 0;
  const interrupts = new Interrupts(() => {
    forced++;
  });
  for (const time of times) interrupts.press(time);
  return { asked: interrupts.signal.aborted, forced };
}

test("nothing is asked before the first press", () => {
  expect(pressed()).toEqual({ asked: false, forced: 0 });
});

test("the first press asks and forces nothing", () => {
  expect(pressed(0)).toEqual({ asked: true, forced: 0 });
});

test("signals that follow at once belong to the same press", () => {
  expect(pressed(0, 1, 300, 600)).toEqual({ asked: true, forced: 0 });
});

test("a second press forces", () => {
  expect(pressed(0, 1000)).toEqual({ asked: true, forced: 1 });
});
