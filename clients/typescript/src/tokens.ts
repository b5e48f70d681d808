import { dataOf, type CufflinkApi, type Schemas } from './api.js';

/** A token of OAuth 2.0 (`token_type: 'bearer'`) or of OAuth 1.0a (`token_type: 'oauth1'`). */
export type Token = Schemas['BearerTokenResponse'] | Schemas['OAuth1TokenResponse'];

/** Tokens of providers. */
export class Tokens {
  readonly #api: CufflinkApi;

  constructor(api: CufflinkApi) {
    this.#api = api;
  }

  /**
   * Gets a token that works. Do not store it: ask again before each use.
   *
   * @param scopes - fails with `SCOPE_NOT_GRANTED` unless all of them are granted
   */
  get(userId: string, provider: string, { scopes = [] }: { readonly scopes?: readonly string[] } = {}): Promise<Token> {
    const params = {
      path: { user_id: userId, provider },
      ...(scopes.length === 0 ? {} : { query: { scope: scopes.join(' ') } }),
    };
    return dataOf(this.#api.GET('/v1/users/{user_id}/connections/{provider}/token', { params }));
  }

  /** Reports that the provider has rejected a token with 401, and gets the current one. */
  reportRejected(userId: string, provider: string, { fingerprint }: Pick<Token, 'fingerprint'>): Promise<Token> {
    const params = { path: { user_id: userId, provider } };
    const path = '/v1/users/{user_id}/connections/{provider}/token/rejected';
    return dataOf(this.#api.POST(path, { params, body: { fingerprint } }));
  }
}
