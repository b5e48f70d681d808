import { dataOf, type CufflinkApi, type Schemas } from './api.js';
import type { paths } from './generated/api.js';

/** A linked account: its status, its scopes, when it was refreshed. */
export type Connection = Schemas['ConnectionResponse'];

/** Which connections of all users to list. */
export type ConnectionFilter = Omit<NonNullable<paths['/v1/connections']['get']['parameters']['query']>, 'cursor'>;

/** Linked accounts. */
export class Connections {
  readonly #api: CufflinkApi;

  constructor(api: CufflinkApi) {
    this.#api = api;
  }

  /**
   * Goes through the connections of one user, or of all users.
   *
   * @param of - the user; or a filter for those of all users, which needs a key with the scope `fleet:read`
   */
  async *list(of: string | ConnectionFilter = {}): AsyncGenerator<Connection, void, undefined> {
    if (typeof of === 'string') {
      const params = { path: { user_id: of } };
      yield* (await dataOf(this.#api.GET('/v1/users/{user_id}/connections', { params }))).connections;
      return;
    }
    for (let cursor: string | null = null; ;) {
      const query: ConnectionFilter & { cursor?: string } = cursor === null ? of : { ...of, cursor };
      const page: Schemas['FleetPageResponse'] = await dataOf(this.#api.GET('/v1/connections', { params: { query } }));
      yield* page.connections;
      if (page.next_cursor === null) {
        return;
      }
      cursor = page.next_cursor;
    }
  }

  /** @throws CufflinkError with `CONNECTION_NOT_FOUND` if the user is not connected to the provider */
  get(userId: string, provider: string): Promise<Connection> {
    const path = { user_id: userId, provider };
    return dataOf(this.#api.GET('/v1/users/{user_id}/connections/{provider}', { params: { path } }));
  }

  /** Refreshes the tokens now. You need not: tokens are refreshed before they expire. */
  refresh(userId: string, provider: string): Promise<Connection> {
    const path = { user_id: userId, provider };
    return dataOf(this.#api.POST('/v1/users/{user_id}/connections/{provider}/refresh', { params: { path } }));
  }

  /** Unlinks: erases the tokens, and revokes the grant at the provider. */
  unlink(userId: string, provider: string): Promise<Schemas['DisconnectedResponse']> {
    const path = { user_id: userId, provider };
    return dataOf(this.#api.DELETE('/v1/users/{user_id}/connections/{provider}', { params: { path } }));
  }
}
