import { dataOf, type CufflinkApi, type Schemas } from './api.js';

/** A linked account: its status, its scopes, when it was refreshed. */
export type Connection = Schemas['ConnectionResponse'];

/** Linked accounts. */
export class Connections {
  readonly #api: CufflinkApi;

  constructor(api: CufflinkApi) {
    this.#api = api;
  }

  /** Goes through the connections of a user. */
  async *list(userId: string): AsyncGenerator<Connection, void, undefined> {
    const path = { user_id: userId };
    const { connections } = await dataOf(this.#api.GET('/v1/users/{user_id}/connections', { params: { path } }));
    yield* connections;
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
