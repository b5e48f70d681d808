import { dataOf, type CufflinkApi, type Schemas } from './api.js';

/** An event of any type. Branch on `type`, and ignore types that you do not know. */
export type CufflinkEvent = Schemas['Event'];

/** A page of the stream. Store `next_cursor` when you have handled its events. */
export interface EventPage {
  readonly events: readonly CufflinkEvent[];
  readonly next_cursor: string;
  readonly has_more: boolean;
}

/** Which events to read. */
export interface EventFilter {
  /** `next_cursor` of the last page that you have handled; absent: from the beginning. */
  readonly after?: string;
  readonly types?: readonly CufflinkEvent['type'][];
  readonly userId?: string;
  /** Events per page, 1 to 1000. */
  readonly limit?: number;
}

/** The stream of events. */
export class Events {
  readonly #api: CufflinkApi;

  constructor(api: CufflinkApi) {
    this.#api = api;
  }

  /** Goes through the pages of the stream up to now. The last page may be empty; its cursor counts all the same. */
  async *pages({ after, types, userId, limit }: EventFilter = {}): AsyncGenerator<EventPage, void, undefined> {
    const filter = {
      ...(types === undefined ? {} : { types: types.join(',') }),
      ...(userId === undefined ? {} : { user_id: userId }),
      ...(limit === undefined ? {} : { limit: String(limit) }),
    };
    for (let cursor = after; ;) {
      const query = cursor === undefined ? filter : { ...filter, after: cursor };
      const page: EventPage = await dataOf(this.#api.GET('/v1/events', { params: { query } }));
      yield page;
      if (!page.has_more) {
        return;
      }
      cursor = page.next_cursor;
    }
  }
}
