import type { TestApplication } from './application.js';
import { consent, type ConsentOptions } from '../../src/sandbox/testing/consent.js';

/** Starts a link and returns its URL and state. */
export async function startLink(
  { api }: Pick<TestApplication, 'api'>,
  userId: string,
  provider: string,
  body: object = {},
): Promise<{ linkWebUrl: string; state: string }> {
  const response = await api.post(`/v1/users/${userId}/connections/${provider}/link`).send(body).expect(201);
  const { link_web_url: linkWebUrl, state } = response.body as { link_web_url: string; state: string };
  return { linkWebUrl, state };
}

/** Headers of every response to a callback. */
export const callbackHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Path and query of a URL. They reach the application, whichever host the provider knows. */
export function pathOf(url: URL): string {
  return url.pathname + url.search;
}

/** Links an account from start to end and returns the connection's id. */
export async function linkAccount(
  application: Pick<TestApplication, 'api' | 'browser'>,
  userId: string,
  provider: string,
  options: ConsentOptions = {},
): Promise<string> {
  const { linkWebUrl } = await startLink(application, userId, provider);
  const callback = await consent(linkWebUrl, options);
  const response = await application.browser.get(pathOf(callback)).expect(200);
  return (response.body as { connection_id: string }).connection_id;
}

let users = 0;

/** Returns the id of a user whom no other test of the file has. */
export function newUser(): string {
  users += 1;
  return `user-${users}`;
}

/**
 * Starts a link that the user approves, with an account that no other user has, and stops before the callback arrives.
 */
export async function approvedLink(
  application: Pick<TestApplication, 'api'>,
  provider: string,
  { user = newUser(), body = {} }: { user?: string; body?: object } = {},
): Promise<{ user: string; account: string; linkWebUrl: string; state: string; callback: URL }> {
  const { linkWebUrl, state } = await startLink(application, user, provider, body);
  const account = String(users + 100_000);
  return { user, account, linkWebUrl, state, callback: await consent(linkWebUrl, { account }) };
}
