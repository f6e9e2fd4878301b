/** BullMQ's own form of a chain, a flow: every job is the child of the next one, and all are added at once. */
import { type Flow, openBullSteps, QUEUE } from "./bullmq.ts";
import type { Contender, Place } from "./contender.ts";

export async function openBullFlow(place: Place): Promise<Contender> {
  const { bull, connection, settings, over, stored, close } = await openBullSteps(place, async () => undefined);
  const flows = new bull.FlowProducer({ connection });
  return {
    settings,
    async play(chain, steps, step) {
      const ended = over(chain, step);
      await flows.add(flowOf(chain, steps));
      await ended;
    },
    stored,
    async close() {
      await flows.close();
      await close();
    },
  };
}

/** The last step is the root. */
function flowOf(chain: string, steps: number): Flow {
  let flow: Flow | undefined;
  for (let index = 0; index < steps; index++) {
    const job = { name: "step", queueName: QUEUE, data: { chain, index, steps }, opts: { jobId: `${chain}_${index}` } };
    flow = flow === undefined ? job : { ...job, children: [flow] };
  }
  return flow as Flow;
}
