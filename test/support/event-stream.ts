import { EventPublisher } from '../../src/events/event-publisher.js';
import type { EventPayload } from '../../src/events/event-payload.js';
import type { EventPage } from '../../src/events/events.dto.js';
import type { TestApplication } from './application.js';

/** Places the events that were written so far, and returns a page of the stream. */
export async function readEvents(
  { app, api }: TestApplication,
  query: Readonly<Record<string, string>> = {},
): Promise<EventPage> {
  await app.get(EventPublisher, { strict: false }).publish();
  const response = await api.get('/v1/events').query(query).expect(200);
  return response.body as EventPage;
}

/** The events of one user so far. */
export async function eventsOf(application: TestApplication, userId: string): Promise<readonly EventPayload[]> {
  return (await readEvents(application, { user_id: userId, limit: '1000' })).events;
}

/** Their types, with the reason behind a colon where there is one. */
export function typesOf(events: readonly EventPayload[]): string[] {
  return events.map(({ type, data }) => (data.reason === undefined ? type : `${type}: ${data.reason}`));
}
