/** Events of a run as server-sent events: the route. What is sent is the business of `streams.ts` and `channel.ts`. */
import type { NativeOptions, NativeRoute } from "./route.ts";
import { RUN_ID } from "./runs.ts";
import { partial, type Schema, text } from "./schemas/build.ts";
import type { RunStreams } from "./streams.ts";

const LAST_EVENT_ID: Schema = {
  type: "object",
  properties: {
    "last-event-id": text("The last event that was read: the stream goes on after it.", { maxLength: 100 }),
  },
};

/** The group of routes. */
export function eventRoutes(_: NativeOptions, streams: RunStreams): readonly NativeRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/runs/:id/events",
      id: "streamRunEvents",
      tag: "runs",
      summary: "Events of a run, as they happen",
      description: [
        "Server-sent events. The first one is `snapshot`, the run as it stands, unless the stream goes on after a known event. Each further",
        "one is an event of the run, named as in its `type`. An event may tell once more what the snapshot has already. A comment every 15",
        "seconds keeps the connection. The stream ends after the run's last event; 204 then says that there is no more to come back for.",
      ].join(" "),
      wish: "read",
      params: RUN_ID,
      headers: LAST_EVENT_ID,
      query: partial({ lastEventId: text("As the header Last-Event-ID, which wins.", { maxLength: 100 }) }),
      answers: {
        200: { description: "The stream.", schema: text(), type: "text/event-stream" },
        204: { description: "The run has ended, and everything of it was read." },
      },
      handle: async ({ params: { id = "" }, query, request, reply }) => {
        const header = request.headers["last-event-id"];
        const lastId = header === undefined ? (query["lastEventId"] as string | undefined) : String(header);
        const joined = await streams.join(id, lastId);
        if (joined.kind === "over") return reply.code(204).send();
        // Proxies that buffer would keep events back.
        reply.type("text/event-stream; charset=utf-8").header("x-accel-buffering", "no");
        return reply.send(joined.stream);
      },
    },
  ];
}
