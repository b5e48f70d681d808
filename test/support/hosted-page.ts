import type TestAgent from 'supertest/lib/agent.js';
import { hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { consent, type ConsentOptions } from '../../src/sandbox/testing/consent.js';
import type { TestApplication } from './application.js';

/** A link session, as the call that makes it responds. */
export interface LinkSession {
  readonly user: string;
  readonly token: string;
  readonly connectUrl: string;
  readonly expiresAt: string;
  /** Names the session in the URL and in the forms of its page. */
  readonly handle: string;
  /** Path of its page, once it is open. */
  readonly page: string;
}

/**
 * Makes a link session.
 *
 * @param body - what the call sends besides the user
 */
export async function createSession(
  { api }: Pick<TestApplication, 'api'>,
  user: string,
  body: object = {},
): Promise<LinkSession> {
  const response = await api
    .post('/v1/link-sessions')
    .send({ user_id: user, ...body })
    .expect(201);
  const made = response.body as { link_token: string; connect_url: string; expires_at: string };
  const handle = hashOneTimeSecret(made.link_token).toString('base64url');
  return {
    user,
    token: made.link_token,
    connectUrl: made.connect_url,
    expiresAt: made.expires_at,
    handle,
    page: `/connect?session=${handle}`,
  };
}

/** Presses "Continue" on the page that a session's link opens. */
export function openSession(browser: TestAgent, { token }: Pick<LinkSession, 'token'>) {
  return browser.post('/connect').type('form').send({ link_token: token });
}

/** Presses the button of a provider on the page of a session. */
export function startOnPage(browser: TestAgent, provider: string, { handle }: Pick<LinkSession, 'handle'>) {
  return browser.post('/connect/start').type('form').send({ session: handle, provider });
}

/**
 * Opens a session, presses a provider's button and consents there. Returns the URL that the provider sends the browser
 * back to.
 */
export async function chooseAndConsent(
  browser: TestAgent,
  provider: string,
  session: LinkSession,
  options: ConsentOptions = {},
): Promise<URL> {
  await openSession(browser, session).expect(303);
  return chooseAgain(browser, provider, session, options);
}

/** Does the same in a session that is open. */
export async function chooseAgain(
  browser: TestAgent,
  provider: string,
  session: LinkSession,
  options: ConsentOptions = {},
): Promise<URL> {
  const started = await startOnPage(browser, provider, session).expect(303);
  return consent(String(started.headers['location']), options);
}

/** Slugs of the providers that a page offers, in its order. */
export function providersOn(page: { text: string }): (string | undefined)[] {
  return [...page.text.matchAll(/name="provider" value="([^"]*)"/g)].map((match) => match[1]);
}
