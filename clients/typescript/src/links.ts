import { dataOf, type CufflinkApi, type Schemas } from './api.js';

/** How a link ended, as your page at the `return_url` learns it. */
export type LinkOutcome =
  | { readonly status: 'connected'; readonly provider: string; readonly connection_id: string }
  | { readonly status: 'failed'; readonly provider: string; readonly error: string };

/** Attempts to connect an account. */
export class Links {
  readonly #api: CufflinkApi;

  constructor(api: CufflinkApi) {
    this.#api = api;
  }

  /**
   * Starts a link. Send the user's browser to its `link_web_url`.
   *
   * @param idempotencyKey - a key of your own, such as a UUID. It makes the call safe to repeat, and the client repeats
   *   it if the response is lost.
   */
  create(
    userId: string,
    provider: string,
    body: Schemas['StartLinkBody'] = {},
    { idempotencyKey }: { readonly idempotencyKey?: string } = {},
  ): Promise<Schemas['StartedLinkResponse']> {
    const params = {
      path: { user_id: userId, provider },
      ...(idempotencyKey === undefined ? {} : { header: { 'Idempotency-Key': idempotencyKey } }),
    };
    return dataOf(this.#api.POST('/v1/users/{user_id}/connections/{provider}/link', { params, body }));
  }

  /** Opens the hosted page, where the user picks a provider. Send the user's browser to its `connect_url`. */
  createSession(body: Schemas['CreateLinkSessionBody']): Promise<Schemas['LinkSessionResponse']> {
    return dataOf(this.#api.POST('/v1/link-sessions', { body }));
  }

  /**
   * Finishes a link at your `return_url`: confirms it, if it waits for that.
   *
   * @param returnUrl - the URL that the browser has requested, or its query
   * @param userId - the user who is signed in to your application now. Take it from your session and from nowhere
   *   else: a link that somebody forwarded then connects nothing.
   * @throws CufflinkError, such as `LINK_USER_MISMATCH` if the link is another user's
   */
  async complete(returnUrl: string | URL | URLSearchParams, userId: string): Promise<LinkOutcome> {
    const query =
      returnUrl instanceof URLSearchParams ? returnUrl : new URL(returnUrl, 'http://localhost').searchParams;
    const value = (name: string): string => query.get(name) ?? '';
    const provider = value('provider');
    switch (value('status')) {
      case 'confirmation_required': {
        const code = { user_id: userId, confirmation_code: value('confirmation_code') };
        const { connection_id } = await this.confirm(value('link_id'), code);
        return { status: 'connected', provider, connection_id };
      }
      case 'success':
        return { status: 'connected', provider, connection_id: value('connection_id') };
      case 'error':
        return { status: 'failed', provider, error: value('error') };
      default:
        throw new TypeError('This is not the URL of a return: its query has no status.');
    }
  }

  /** Confirms a link. {@link complete} does it with the URL of the return. */
  confirm(linkId: string, body: Schemas['ConfirmLinkBody']): Promise<Schemas['FinishedLinkResponse']> {
    return dataOf(this.#api.POST('/v1/links/{link_id}/confirm', { params: { path: { link_id: linkId } }, body }));
  }
}
