/**
 * An Express application with the step that is easy to get wrong: the confirmation of a link.
 *
 * Anyone who opens a link URL can complete it. So the account is connected only when this application says who is
 * signed in where the browser returns.
 */
import { randomUUID } from 'node:crypto';
import { Cufflink, CufflinkError } from '@cufflink/client';
import express, { type Request, type Response } from 'express';

const { CUFFLINK_URL = 'http://localhost:3000', CUFFLINK_API_KEY = '', PORT = '8080' } = process.env;
const origin = `http://localhost:${PORT}`;
// Register it in RETURN_URLS of Cufflink. It must be behind your sign-in.
const returnUrl = `${origin}/devices/return`;

const cufflink = new Cufflink({ baseUrl: CUFFLINK_URL, apiKey: CUFFLINK_API_KEY });
const app = express();
app.use(express.urlencoded({ extended: false }));

// In place of your own sign-in. SameSite=Lax: the cookie must come back when the provider returns the browser.
const sessions = new Map<string, string>();
app.post('/sign-in', (request, response) => {
  const id = randomUUID();
  sessions.set(id, String((request.body as { user?: unknown }).user));
  response.cookie('session', id, { httpOnly: true, sameSite: 'lax' }).redirect(303, '/devices');
});

/** The user of the session, never one that the URL names. Without a session, the user signs in first. */
function signedInUser(request: Request, response: Response): string | undefined {
  const user = sessions.get(/(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '');
  if (user === undefined) {
    response.status(401).send('Please sign in, then connect the device again.');
  }
  return user;
}

/** A form of another site must not start links for our user. */
function isFromHere(request: Request): boolean {
  return request.headers.origin === origin;
}

app.post('/devices/:provider', async (request, response) => {
  const user = signedInUser(request, response);
  if (user === undefined) {
    return;
  }
  if (!isFromHere(request)) {
    response.status(403).send('This form is not ours.');
    return;
  }
  const link = await cufflink.links.create(user, request.params.provider, {
    return_url: returnUrl,
    require_confirmation: true,
  });
  response.redirect(303, link.link_web_url);
});

app.get('/devices/return', async (request, response) => {
  // The URL holds a code that works once. Keep it out of the history, of caches and of other sites.
  response.set({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  const user = signedInUser(request, response);
  if (user === undefined) {
    return;
  }
  let result: string;
  try {
    // Confirm in this request, not in a job: the provider's code may live for 30 seconds.
    const outcome = await cufflink.links.complete(request.originalUrl, user);
    result = outcome.status === 'connected' ? 'connected' : outcome.error;
  } catch (error) {
    // The link was started by another user, who sent it to this one. Nothing was connected.
    if (!CufflinkError.is(error, 'LINK_USER_MISMATCH', 'AUTHORIZATION_STATE_INVALID', 'ACCOUNT_ALREADY_LINKED')) {
      throw error;
    }
    result = error.code;
  }
  response.redirect(303, `/devices?result=${encodeURIComponent(result)}`);
});

const messages: Readonly<Record<string, string>> = {
  connected: 'Your device is connected.',
  AUTHORIZATION_DENIED: 'You did not allow access. Nothing was connected.',
  LINK_USER_MISMATCH: 'This link was made for somebody else. Nothing was connected.',
  ACCOUNT_ALREADY_LINKED: 'Somebody else has connected this account already.',
};

app.get('/devices', async (request, response) => {
  const user = signedInUser(request, response);
  if (user === undefined) {
    return;
  }
  const { result } = request.query;
  const devices: string[] = [];
  for await (const { provider, needs_relink: isEnded } of cufflink.connections.list(user)) {
    devices.push(`<li>${provider}${isEnded ? ' (please connect again)' : ''}</li>`);
  }
  const message = typeof result === 'string' ? (messages[result] ?? 'Something went wrong. Please try again.') : '';
  response.send(
    `<!doctype html><title>Devices</title><p>${message}</p><ul>${devices.join('')}</ul>` +
      '<form method="post" action="/devices/whoop"><button>Connect WHOOP</button></form>',
  );
});

app.listen(Number(PORT), 'localhost', () => process.stdout.write(`Open ${origin}/devices\n`));
