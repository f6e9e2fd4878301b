/** BullMQ, where the job of a step adds that of the next before it is completed; the job's id keeps a repeated one out. */
import { openBullSteps } from "./bullmq.ts";
import type { Contender, Place } from "./contender.ts";

export async function openBullNext(place: Place): Promise<Contender> {
  const { queue, settings, over, stored, close } = await openBullSteps(place, async (to, data) => {
    const { chain, index, steps } = data;
    if (index === steps - 1) return;
    await to.add("step", { chain, index: index + 1, steps }, { jobId: `${chain}_${index + 1}` });
  });
  return {
    settings,
    async play(chain, steps, step) {
      const ended = over(chain, step);
      await queue.add("step", { chain, index: 0, steps }, { jobId: `${chain}_0` });
      await ended;
    },
    stored,
    close,
  };
}
