import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { z } from 'zod';
import type { EventFilter, EventLogPort } from '#bus/port.ts';
import { ok } from '../answer.ts';
import type { ApiLimits } from '../api-deps.ts';
import { eventPageSchema, eventsQuery } from '../contract/event.ts';
import { type Call, type Endpoint, endpoint } from '../endpoint.ts';
import { pageAfter, pageBefore } from '../event-page.ts';
import { parseEventId, startPosition } from '../event-position.ts';
import { streamEvents } from '../event-stream.ts';
import type { LiveStreams } from '../live-streams.ts';

type EventsQuery = z.output<typeof eventsQuery>;
type EventsCall = Call<undefined, EventsQuery, undefined>;

export interface EventRoutesDeps {
  readonly events: EventLogPort;
  readonly streams: LiveStreams;
  readonly limits: Pick<ApiLimits, 'heartbeatMs' | 'slowReaderMs'>;
}

export function eventRoutes(deps: EventRoutesDeps): readonly Endpoint[] {
  return [
    endpoint<undefined, EventsQuery>({
      method: 'get',
      path: '/events',
      tag: 'events',
      summary:
        'A page of the event log, or with Accept: text/event-stream a stream that resumes by Last-Event-ID',
      query: eventsQuery,
      answers: {
        200: {
          also: 'text/event-stream',
          description: 'A page (application/json) or a stream (text/event-stream)',
          schema: eventPageSchema,
        },
        410: { description: 'The log no longer holds what follows that position' },
      },
      handle: (call) => (wantsStream(call) ? stream(deps, call) : page(deps.events, call.query)),
    }),
  ];
}

function wantsStream({ headers, incoming }: EventsCall): boolean {
  return incoming.method === 'GET' && (headers.accept ?? '').includes('text/event-stream');
}

async function stream({ events, streams, limits }: EventRoutesDeps, call: EventsCall): Promise<Response> {
  const lastId = call.headers['last-event-id'];
  const wanted =
    typeof lastId === 'string' && lastId !== '' ? parseEventId(lastId) : { after: call.query.after };
  const after = startPosition(events, wanted);
  const place = streams.claim(call.actor);
  const { heartbeatMs, slowReaderMs } = limits;
  const options = { after, filter: filterOf(call.query), heartbeatMs, slowReaderMs, ending: place.ending };
  await place.keep(streamEvents(call.outgoing, events, options));
  return RESPONSE_ALREADY_SENT;
}

async function page(events: EventLogPort, query: EventsQuery): Promise<Response> {
  const filter = filterOf(query);
  if (query.after !== undefined) {
    return ok(await pageAfter(events, startPosition(events, query), query.limit, filter));
  }
  return ok(await pageBefore(events, query.before ?? events.head() + 1, query.limit, filter));
}

function filterOf({ type, subject }: EventsQuery): EventFilter {
  const types = type?.split(',').map((word) => word.trim());
  return { types: types?.filter((word) => word !== ''), subject };
}
