import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PARAMS_PROVIDER_TOKEN, type Params } from 'nestjs-pino';
import { Database } from '../src/database/database.js';
import { ProviderUnavailableError } from '../src/errors/provider.errors.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../src/links/one-time-secret.js';
import { LinkStore, type StoredLink } from '../src/links/link-store.js';
import { loggingOptions } from '../src/ops/logging.js';
import type { HandshakeSecrets } from '../src/provider-kit/handshake.js';
import { ProviderHttpClient, type ProviderRequest, type ProviderResponse } from '../src/provider-kit/http-client.js';
import type { CallKind } from '../src/sandbox/call-history.js';
import type { SealContext } from '../src/vault/associated-data.js';
import { VaultService } from '../src/vault/vault.service.js';
import { startApplication, type TestApplication } from './support/application.js';
import { auditEntriesOf } from './support/audit-entries.js';
import { consent } from './support/browser.js';
import { linkAccount, pathOf, startLink } from './support/linking.js';
import { queryDatabase } from './support/test-database.js';

const publicUrl = 'https://link.example.com';
const returnUrl = 'https://app.example.com/devices';
/** The call at which a maker gives tokens away. */
const redemption: Readonly<Record<string, CallKind>> = {
  whoop: 'token',
  garmin: 'token',
  fitbit: 'token',
  oura: 'token',
  'garmin-oauth1': 'access_token',
  'fitbit-oauth1': 'access_token',
};
const slugs = Object.keys(redemption);

/** Keeps what the application sends to the makers. */
class RecordingHttpClient extends ProviderHttpClient {
  readonly sent: ProviderRequest[] = [];

  override send(request: ProviderRequest): Promise<ProviderResponse> {
    this.sent.push(request);
    return super.send(request);
  }

  /** The form of the last request that has one. */
  lastForm(): URLSearchParams {
    return new URLSearchParams(this.sent.findLast(({ body }) => body !== undefined)?.body);
  }
}

let application: TestApplication;
const recorder = new RecordingHttpClient();
const logLines: string[] = [];
let users = 0;

beforeAll(async () => {
  application = await startApplication({
    environment: { PUBLIC_URL: publicUrl, RETURN_URLS: returnUrl },
    override: (builder) =>
      builder
        .overrideProvider(ProviderHttpClient)
        .useValue(recorder)
        .overrideProvider(PARAMS_PROVIDER_TOKEN)
        .useFactory({ factory: () => loggingInto(logLines) }),
  });
});
afterEach(() => {
  for (const slug of slugs) {
    application.sandbox.maker(slug).behave();
  }
});
afterAll(() => application.close());

async function loggingInto(lines: string[]): Promise<Params> {
  const { pinoHttp } = await loggingOptions({ production: false, port: 0, host: '127.0.0.1', logLevel: 'trace' });
  const [options] = pinoHttp as [object];
  return { pinoHttp: [options, { write: (line: string) => void lines.push(line) }] };
}

function newUser(): string {
  users += 1;
  return `user-${users}`;
}

/** Another replica: its own process state, the same database, key, clock and makers. */
function startReplica(options: Parameters<typeof startApplication>[0] = {}): Promise<TestApplication> {
  const { databaseUrl, rootKey, sandbox, clock } = application;
  return startApplication({
    databaseUrl,
    rootKey,
    sandbox,
    clock,
    ...options,
    environment: { PUBLIC_URL: publicUrl, RETURN_URLS: returnUrl, ...options.environment },
  });
}

function calls(slug: string, kind: CallKind | undefined = redemption[slug]): number {
  return application.sandbox.maker(slug).history.filter((entry) => entry.kind === kind).length;
}

/** A link that the user has approved, on its way back. */
async function approvedLink(slug: string, body: object = {}) {
  const user = newUser();
  const { linkWebUrl, state } = await startLink(application, user, slug, body);
  const account = String(users + 100_000);
  const callback = await consent(linkWebUrl, { account });
  return { user, account, linkWebUrl, state, callback };
}

function isGrantLive(slug: string, account: string): boolean {
  const grants = application.sandbox.maker(slug).liveGrants();
  return grants.some(({ accountId }) => accountId === account);
}

/** Sends a callback and tells status and code. */
async function sendCallback(path: string, { browser } = application): Promise<{ status: number; code: unknown }> {
  const response = await browser.get(path);
  return { status: response.status, code: (response.body as { code?: unknown }).code };
}

const refused = { status: 403, code: 'AUTHORIZATION_STATE_INVALID' };
const connected = { status: 200, code: undefined };

async function expectNoConnection(user: string, slug: string): Promise<void> {
  await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
}

/** Every row of every table as text; bytes in hexadecimal. */
async function dumpDatabase(): Promise<string> {
  const { databaseUrl: url } = application;
  const tables = await queryDatabase<{ name: string }>(
    url,
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  const rows = await Promise.all(
    tables.map(({ name }) => queryDatabase<{ row: string }>(url, `SELECT to_jsonb(t)::text AS row FROM "${name}" t`)),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

/** The shapes in which a secret could turn up. */
function shapesOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    encodeURIComponent(secret),
  ];
}

function expectAbsent(secret: string | undefined, ...places: string[]): void {
  expect(secret?.length).toBeGreaterThan(10);
  for (const shape of shapesOf(String(secret))) {
    for (const place of places) {
      expect(place.includes(shape)).toBe(false);
    }
  }
}

async function findLinkRow(state: string) {
  const [row] = await queryDatabase<{
    id: string;
    userId: string;
    registrationId: string;
    sealed: Buffer | null;
    outcome: string | null;
  }>(
    application.databaseUrl,
    'SELECT id, user_id AS "userId", registration_id AS "registrationId", sealed, outcome FROM links WHERE state_hash = $1',
    [hashOneTimeSecret(state)],
  );
  if (row === undefined) {
    throw new Error('There is no such link.');
  }
  return row;
}

/** Opens what a link keeps sealed, as only the application can. */
async function openSealed(state: string): Promise<HandshakeSecrets> {
  const { id, userId, registrationId, sealed } = await findLinkRow(state);
  const context: SealContext = { purpose: 'links.sealed', rowId: id, userId, registrationId, generation: 0 };
  return (await application.app.get(VaultService).open(sealed ?? Buffer.alloc(0), context)) as HandshakeSecrets;
}

/** Replaces what a link keeps sealed. */
async function reseal(state: string, secrets: HandshakeSecrets): Promise<void> {
  const { id, userId, registrationId } = await findLinkRow(state);
  const context: SealContext = { purpose: 'links.sealed', rowId: id, userId, registrationId, generation: 0 };
  const sealed = application.app.get(VaultService).seal(secrets, context);
  await queryDatabase(application.databaseUrl, 'UPDATE links SET sealed = $1 WHERE id = $2', [sealed, id]);
}

async function shiftExpiry(state: string, seconds: number): Promise<void> {
  await queryDatabase(
    application.databaseUrl,
    "UPDATE links SET expires_at = expires_at - $1 * interval '1 second' WHERE state_hash = $2",
    [seconds, hashOneTimeSecret(state)],
  );
}

describe('the state', () => {
  it('AR-01 is 256 random bits in base64url: ten thousand of them are all different', () => {
    const states = Array.from({ length: 10_000 }, createOneTimeSecret);

    expect(new Set(states).size).toBe(states.length);
    expect(states.filter((state) => !/^[A-Za-z0-9_-]{43}$/.test(state))).toEqual([]);
    // A constant or counted part would show as a position with few different characters.
    const positions = Array.from({ length: 42 }, (_, at) => new Set(states.map((state) => state[at])).size);
    expect(Math.min(...positions)).toBe(64);
  });

  it.each(slugs)('AR-01 of a link to %s is nowhere in the database, only its hash is', async (slug) => {
    const { state, callback } = await approvedLink(slug);
    const before = await dumpDatabase();
    expect(await sendCallback(pathOf(callback))).toEqual(connected);
    const after = await dumpDatabase();

    expectAbsent(state, before, after);
    expect(before).toContain(hashOneTimeSecret(state).toString('hex'));
  });

  it.each(['whoop', 'garmin-oauth1'])('AR-01 O1-06 of a link to %s works for ten minutes', async (slug) => {
    const inTime = await approvedLink(slug);
    await shiftExpiry(inTime.state, 9 * 60 + 30);
    const late = await approvedLink(slug);
    await shiftExpiry(late.state, 10 * 60);
    const before = calls(slug);

    expect(await sendCallback(pathOf(late.callback))).toEqual(refused);
    expect(calls(slug)).toBe(before);
    await expectNoConnection(late.user, slug);
    expect(await sendCallback(pathOf(inTime.callback))).toEqual(connected);
  });

  it.each(['whoop', 'garmin-oauth1'])('AR-01 of a callback from %s must be there and be ours', async (slug) => {
    const { user, state, callback } = await approvedLink(slug);
    const historyLength = application.sandbox.maker(slug).history.length;
    const withState = (value: string | undefined): string => {
      const url = new URL(callback);
      url.searchParams.delete('state');
      if (value !== undefined) {
        url.searchParams.set('state', value);
      }
      return pathOf(url);
    };

    for (const forged of [undefined, '', createOneTimeSecret(), `${state}x`, state.slice(1), state.toLowerCase()]) {
      expect(await sendCallback(withState(forged))).toEqual(refused);
    }
    expect(application.sandbox.maker(slug).history).toHaveLength(historyLength);
    await expectNoConnection(user, slug);
  });
});

describe('a callback that arrives more than once', () => {
  let replica: TestApplication;
  beforeAll(async () => {
    replica = await startReplica();
  });
  afterAll(() => replica.close());

  /** The same callback fifty times at once, over both instances. */
  async function sendFifty(callback: URL, instances = [application, replica]): Promise<Map<number, number>> {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        sendCallback(pathOf(callback), instances[index % instances.length] ?? application),
      ),
    );
    for (const { status, code } of answers) {
      expect([undefined, 'AUTHORIZATION_STATE_INVALID']).toContain(code);
      expect(status).toBe(code === undefined ? 200 : 403);
    }
    const counts = new Map<number, number>();
    for (const { status } of answers) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    return counts;
  }

  it.each(slugs)(
    'AR-02 O1-06 is redeemed at %s once, however many arrive at the same moment at two instances',
    async (slug) => {
      const { user, account, callback } = await approvedLink(slug);
      const before = calls(slug);

      const counts = await sendFifty(callback);

      expect([...counts].sort()).toEqual([
        [200, 1],
        [403, 49],
      ]);
      expect(calls(slug)).toBe(before + 1);
      expect(isGrantLive(slug, account)).toBe(true);
      await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    },
  );

  it.each(slugs)('AR-02 is refused when it comes again later from %s, and the connection lives on', async (slug) => {
    const { user, account, callback } = await approvedLink(slug);
    expect(await sendCallback(pathOf(callback))).toEqual(connected);
    const before = calls(slug);
    const entries = await auditEntriesOf(application, user);

    expect(await sendCallback(pathOf(callback), replica)).toEqual(refused);
    for (let again = 0; again < 15; again += 1) {
      expect(await sendCallback(pathOf(callback))).toEqual(refused);
    }

    expect(calls(slug)).toBe(before);
    expect(isGrantLive(slug, account)).toBe(true);
    // Ten of each instance, so that nobody fills the audit trail with them.
    const stray = (await auditEntriesOf(application, user)).filter((entry) => !entries.includes(entry));
    expect(stray).toEqual(Array(11).fill('link.failed denied browser AUTHORIZATION_STATE_INVALID'));
  });

  it('AR-02 with the defence off (SELECT, then UPDATE) is redeemed many times, and the maker revokes the grant', async () => {
    const naive = await startReplica({
      override: (builder) =>
        builder.overrideProvider(LinkStore).useFactory({
          factory: (database: Database) => new SelectThenUpdateStore(database, 50),
          inject: [Database],
        }),
    });
    try {
      const { account, callback } = await approvedLink('whoop');
      const before = calls('whoop');

      await Promise.all(Array.from({ length: 50 }, () => naive.browser.get(pathOf(callback))));

      expect(calls('whoop')).toBe(before + 50);
      expect(isGrantLive('whoop', account)).toBe(false);
    } finally {
      await naive.close();
    }
  });
});

/** What an ORM's "find, then save" does; all readers are let through before the first one writes. */
class SelectThenUpdateStore extends LinkStore {
  private readonly everyoneHasRead = Promise.withResolvers<void>();
  private readers = 0;

  constructor(
    private readonly connection: Database,
    private readonly expectedReaders: number,
  ) {
    super(connection);
  }

  override async consume(stateHash: Buffer, provider: string): Promise<StoredLink | undefined> {
    const [link] = await this.connection.query<StoredLink>(
      {
        name: 'test-naive-find',
        text: `SELECT id, state_hash AS "stateHash", user_id AS "userId", provider, registration_id AS "registrationId",
                 registration_hash AS "registrationHash", return_url AS "returnUrl", scopes, sealed,
                 require_confirmation AS "requireConfirmation", browser_hash AS "browserHash",
                 on_account_change AS "onAccountChange"
               FROM links WHERE state_hash = $1 AND provider = $2 AND consumed_at IS NULL AND expires_at > now()`,
      },
      [stateHash, provider],
    );
    this.readers += 1;
    if (this.readers === this.expectedReaders) {
      this.everyoneHasRead.resolve();
    }
    await this.everyoneHasRead.promise;
    await this.connection.query(
      { name: 'test-naive-save', text: 'UPDATE links SET consumed_at = now(), sealed = NULL WHERE state_hash = $1' },
      [stateHash],
    );
    return link;
  }
}

describe('PKCE', () => {
  const withPkce = ['garmin', 'fitbit'];

  it.each(withPkce)('AR-06 proves to %s with S256 that the code was asked for here', async (slug) => {
    const { linkWebUrl, state, callback } = await approvedLink(slug);
    const { codeVerifier } = await openSealed(state);
    expect(await sendCallback(pathOf(callback))).toEqual(connected);

    const query = new URL(linkWebUrl).searchParams;
    expect(query.get('code_challenge_method')).toBe('S256');
    expect(codeVerifier).toMatch(/^[A-Za-z0-9_-]{43,128}$/);
    expect(recorder.lastForm().get('code_verifier')).toBe(codeVerifier);
    expect(query.get('code_challenge')).toBe(
      createHash('sha256')
        .update(codeVerifier ?? '')
        .digest('base64url'),
    );
  });

  it.each(withPkce)('AR-06 with another verifier is refused by %s, and not tried again', async (slug) => {
    const { user, account, state, callback } = await approvedLink(slug);
    const { codeVerifier = '' } = await openSealed(state);
    const other = (codeVerifier.startsWith('A') ? 'B' : 'A') + codeVerifier.slice(1);
    await reseal(state, { codeVerifier: other });
    const before = calls(slug);

    expect(await sendCallback(pathOf(callback))).toEqual({ status: 403, code: 'AUTHORIZATION_CODE_REFUSED' });

    expect(recorder.lastForm().get('code_verifier')).toBe(other);
    expect(calls(slug)).toBe(before + 1);
    expect(isGrantLive(slug, account)).toBe(false);
    await expectNoConnection(user, slug);
    expect((await findLinkRow(state)).outcome).toBe('AUTHORIZATION_CODE_REFUSED');
  });

  it.each(withPkce)('AR-06 uses a new verifier for every attempt at %s, also after an error', async (slug) => {
    const user = newUser();
    const challenges: (string | null)[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { linkWebUrl } = await startLink(application, user, slug);
      challenges.push(new URL(linkWebUrl).searchParams.get('code_challenge'));
      await sendCallback(pathOf(await consent(linkWebUrl, { decision: 'deny' })));
    }

    expect(challenges).not.toContain(null);
    expect(new Set(challenges).size).toBe(3);
  });

  it.each(withPkce)('AR-06 keeps the verifier for %s out of URLs, logs and the database', async (slug) => {
    const { linkWebUrl, state, callback } = await approvedLink(slug);
    const { codeVerifier } = await openSealed(state);
    const before = await dumpDatabase();
    expect(await sendCallback(pathOf(callback))).toEqual(connected);

    const urls = recorder.sent.map(({ url }) => url).join('\n');
    expectAbsent(codeVerifier, linkWebUrl, callback.href, urls, before, await dumpDatabase(), logLines.join(''));
    expect((await findLinkRow(state)).sealed).toBeNull();
  });

  it.each([
    { slug: 'garmin', sent: true },
    { slug: 'fitbit', sent: true },
    { slug: 'whoop', sent: false },
    { slug: 'oura', sent: false },
  ])('AR-07 is used with $slug exactly as its definition says: $sent', async ({ slug, sent }) => {
    const { linkWebUrl, callback } = await approvedLink(slug);
    expect(await sendCallback(pathOf(callback))).toEqual(connected);
    const query = new URL(linkWebUrl).searchParams;

    expect(query.has('code_challenge')).toBe(sent);
    expect(query.get('code_challenge_method')).toBe(sent ? 'S256' : null);
    expect(recorder.lastForm().has('code_verifier')).toBe(sent);
  });

  it('AR-07 is not dropped when the maker complains about it', async () => {
    const { user, callback } = await approvedLink('garmin');
    application.sandbox
      .maker('garmin')
      .misbehave({ endpoint: 'token', type: 'error', error: 'invalid_request', status: 400 });
    const before = recorder.sent.length;

    expect(await sendCallback(pathOf(callback))).toEqual({ status: 500, code: 'PROVIDER_MISCONFIGURED' });

    const sent = recorder.sent.slice(before);
    expect(sent).toHaveLength(1);
    expect(new URLSearchParams(sent[0]?.body).has('code_verifier')).toBe(true);
    await expectNoConnection(user, 'garmin');
  });

  it.each([
    { slug: 'garmin', why: 'ignores the challenge' },
    { slug: 'whoop', why: 'knows no PKCE' },
  ])('AR-07 is not needed to refuse foreign callbacks where $slug $why', async ({ slug }) => {
    const { declaration } = application.sandbox.maker(slug);
    if (declaration.oauth !== '2.0') {
      throw new Error('PKCE belongs to OAuth 2.0.');
    }
    application.sandbox.add(slug, { ...declaration, pkce: 'ignored' });
    try {
      const used = await approvedLink(slug);
      expect(await sendCallback(pathOf(used.callback))).toEqual(connected);
      const stolen = await approvedLink(slug);
      const code = stolen.callback.searchParams.get('code') ?? '';
      const before = calls(slug);

      for (const state of [used.state, createOneTimeSecret(), '']) {
        const path = `/v1/oauth/${slug}/callback?${new URLSearchParams({ code, state }).toString()}`;
        expect(await sendCallback(path)).toEqual(refused);
      }
      expect(await sendCallback(`/v1/oauth/${slug}/callback?code=${code}`)).toEqual(refused);
      expect(calls(slug)).toBe(before);
    } finally {
      application.sandbox.add(slug, declaration);
    }
  });

  it.each(withPkce)('AR-06 makes %s refuse the code of another attempt', async (slug) => {
    const mine = await approvedLink(slug);
    const theirs = await approvedLink(slug);
    mine.callback.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');

    expect(await sendCallback(pathOf(mine.callback))).toEqual({ status: 403, code: 'AUTHORIZATION_CODE_REFUSED' });
    await expectNoConnection(mine.user, slug);
  });
});

describe('the redirect URI', () => {
  const spoofed = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': '8080',
    'x-original-host': 'evil.example',
    forwarded: 'host=evil.example;proto=http',
  };

  it.each(['whoop', 'garmin', 'fitbit', 'oura'])(
    'AR-11 of %s comes from the settings, whatever the headers say, and is the same in both requests',
    async (slug) => {
      const started = await application.api
        .post(`/v1/users/${newUser()}/connections/${slug}/link`)
        .set(spoofed)
        .expect(201);
      const { link_web_url: linkWebUrl } = started.body as { link_web_url: string };
      const callback = await consent(linkWebUrl);
      await application.browser.get(pathOf(callback)).set(spoofed).expect(200);

      const expected = `${publicUrl}/v1/oauth/${slug}/callback`;
      expect(new URL(linkWebUrl).searchParams.getAll('redirect_uri')).toEqual([expected]);
      expect(recorder.lastForm().getAll('redirect_uri')).toEqual([expected]);
      expect(started.text).not.toContain('evil');
    },
  );

  it.each(['garmin-oauth1', 'fitbit-oauth1'])(
    'AR-11 of %s comes from the settings, whatever the headers say',
    async (slug) => {
      const started = await application.api
        .post(`/v1/users/${newUser()}/connections/${slug}/link`)
        .set(spoofed)
        .expect(201);
      const { state } = started.body as { state: string };

      const header = recorder.sent.at(-1)?.headers?.['authorization'] ?? '';
      const sent = decodeURIComponent(/oauth_callback="([^"]*)"/.exec(header)?.[1] ?? '');
      expect(sent).toBe(`${publicUrl}/v1/oauth/${slug}/callback?state=${state}`);
      expect(started.text).not.toContain('evil');
    },
  );

  it('AR-11 NET-05 is not followed by a return_url from the callback', async () => {
    const { callback } = await approvedLink('whoop', { return_url: returnUrl });
    callback.searchParams.set('return_url', 'https://evil.example/');
    callback.searchParams.set('redirect_uri', 'https://evil.example/');

    const { headers } = await application.browser.get(pathOf(callback)).set(spoofed).expect(303);

    expect(headers['location']).toMatch(/^https:\/\/app\.example\.com\/devices\?status=success&/);
    expect(headers['location']).not.toContain('evil');
  });
});

describe('what a callback may carry', () => {
  it.each(['access_token', 'id_token'])('AR-12 is no %s, and none is kept or logged', async (name) => {
    const canary = `canary-${createOneTimeSecret()}`;
    const { user, state, callback } = await approvedLink('whoop', { return_url: returnUrl });
    const before = calls('whoop');
    const forms = [`${name}=${canary}&state=${state}`, `${callback.search.slice(1)}&${name}=${canary}`];

    for (const form of forms) {
      const byGet = await application.browser.get(`${callback.pathname}?${form}`).expect(400);
      const byPost = await application.browser.post(callback.pathname).type('form').send(form).expect(400);
      for (const answer of [byGet, byPost]) {
        expect(answer.body).toMatchObject({ code: 'REQUEST_INVALID' });
        expectAbsent(canary, answer.text, JSON.stringify(answer.headers));
      }
    }
    expect(calls('whoop')).toBe(before);
    expectAbsent(canary, await dumpDatabase(), logLines.join(''));
    expect(logLines.join('')).toContain('/v1/oauth/whoop/callback');
    await expectNoConnection(user, 'whoop');
    // Nothing was used up: the real callback still works.
    await application.browser.get(pathOf(callback)).expect(303);
  });

  const hostile = '<script>alert(1)</script>\r\nSet-Cookie: hostile=1';

  it.each(['access_denied', 'server_error', 'invalid_scope', 'hostile_error'])(
    'AR-13 shows nothing of the description that came with the error %s',
    async (error) => {
      for (const body of [{ return_url: returnUrl }, {}]) {
        const { state } = await startLink(application, newUser(), 'whoop', body);
        const before = application.sandbox.maker('whoop').history.length;
        const query = new URLSearchParams({
          error,
          state,
          error_description: hostile,
          error_uri: 'https://evil.test/',
        });
        const answer = await application.browser.get(`/v1/oauth/whoop/callback?${query.toString()}`);

        const shown = answer.text + JSON.stringify(answer.headers);
        expect(shown).not.toMatch(/script|hostile|evil|alert/i);
        expect(answer.headers['set-cookie']).toBeUndefined();
        if ('return_url' in body) {
          expect(answer.status).toBe(303);
          expect(answer.headers['location']).toMatch(/\?status=error&provider=whoop&error=[A-Z_]+$/);
        } else {
          expect(answer.body).toMatchObject({ code: expect.stringMatching(/^(AUTHORIZATION|PROVIDER)_/) });
        }
        expect(application.sandbox.maker('whoop').history).toHaveLength(before);
      }
      expect(logLines.join('')).toMatch(/Link [0-9a-f-]{36} to whoop failed with (AUTHORIZATION|PROVIDER)_/);
      expect(logLines.join('')).not.toMatch(/<script|hostile=1|evil\.test/i);
    },
  );

  it('AR-13 may be an error only together with a state of ours: otherwise the answer tells nothing', async () => {
    const neutral = await application.browser
      .get(`/v1/oauth/whoop/callback?state=${createOneTimeSecret()}&code=x`)
      .expect(403);
    const query = new URLSearchParams({
      error: 'access_denied',
      state: createOneTimeSecret(),
      error_description: hostile,
    });
    const withError = await application.browser.get(`/v1/oauth/whoop/callback?${query.toString()}`).expect(403);
    const withoutState = await application.browser.get('/v1/oauth/whoop/callback?error=access_denied').expect(403);

    const bodyOf = ({ body }: { body: unknown }) => ({ ...(body as object), request_id: undefined });
    expect(bodyOf(withError)).toEqual(bodyOf(neutral));
    expect(bodyOf(withoutState)).toEqual(bodyOf(neutral));
    expect(neutral.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
  });

  const tooLong = 'x'.repeat(2_049);
  it.each([
    ['a repeated state', (state: string) => `code=1&state=${state}&state=${state}`],
    ['a repeated code', (state: string) => `code=1&code=2&state=${state}`],
    ['a name repeated in another spelling', (state: string) => `code=1&state=${state}&%73tate=${state}`],
    ['an array', (state: string) => `code=1&state[]=${state}`],
    ['an array with an index', (state: string) => `code=1&state%5B0%5D=${state}`],
    ['an object', (state: string) => `code=1&state[a]=${state}`],
    ['a code and an error', (state: string) => `code=1&error=access_denied&state=${state}`],
    ['a code of more than 2 KB', (state: string) => `code=${tooLong}&state=${state}`],
    ['a foreign parameter of more than 2 KB', (state: string) => `code=1&other=${tooLong}&state=${state}`],
    ['NUL in the code', (state: string) => `code=1%00&state=${state}`],
    ['NUL in the state', (state: string) => `code=1&state=${state}%00`],
    ['NUL in a name', (state: string) => `code=1&state=${state}&%00=1`],
    ['a line end in the code', (state: string) => `code=1%0d%0aX: y&state=${state}`],
    ['invalid UTF-8', (state: string) => `code=%ff%fe&state=${state}`],
    ['overlong UTF-8', (state: string) => `code=%c0%80&state=${state}`],
    ['a surrogate in UTF-8', (state: string) => `code=%ed%a0%80&state=${state}`],
    ['a stray percent sign', (state: string) => `code=100%&state=${state}`],
    ['a parameter without a name', (state: string) => `code=1&=1&state=${state}`],
    [
      'a hundred parameters',
      (state: string) => `code=1&state=${state}${Array.from({ length: 100 }, (_, at) => `&a${at}=`).join('')}`,
    ],
  ])('AR-14 is refused when it has %s, by GET and by POST, and uses nothing up', async (_what, toForm) => {
    const { state, callback } = await approvedLink('whoop');
    const before = calls('whoop');
    const form = toForm(state);

    const byGet = await rawRequest(`GET /v1/oauth/whoop/callback?${form.replaceAll(' ', '%20')}`);
    const byPost = await application.browser.post('/v1/oauth/whoop/callback').type('form').send(form);

    expect(byGet).toMatch(/^HTTP\/1\.1 400 [^]*"code":"REQUEST_INVALID"/);
    expect(byPost.status).toBe(400);
    expect(byPost.body).toMatchObject({ code: 'REQUEST_INVALID' });
    expect(calls('whoop')).toBe(before);
    expect(await sendCallback(pathOf(callback))).toEqual(connected);
  });

  it.each(['whoop', 'garmin-oauth1'])('is not used up by HEAD, which link scanners send, at %s', async (slug) => {
    const { callback } = await approvedLink(slug, { return_url: returnUrl });
    const before = application.sandbox.maker(slug).history.length;

    const head = await application.browser.head(pathOf(callback)).expect(200);

    expect(head.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(application.sandbox.maker(slug).history).toHaveLength(before);
    await application.browser.get(pathOf(callback)).expect(303);
  });

  it('AR-14 is a form: what JSON says is not looked at', async () => {
    const { callback } = await approvedLink('whoop');
    const json = Object.fromEntries(callback.searchParams);

    const answer = await application.browser.post(callback.pathname).send(json).expect(403);

    expect(answer.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
    expect(await sendCallback(pathOf(callback))).toEqual(connected);
  });

  it('AR-14 never ends in a 500, whatever the query or form has', async () => {
    const firstLine = logLines.length;
    const connectionsBefore = await queryDatabase(application.databaseUrl, 'SELECT id FROM connections ORDER BY id');
    const known = fc.constantFrom('code', 'error', 'oauth_token', 'oauth_verifier', 'denied', 'scope', 'oauth_problem');
    const name = fc.oneof(
      fc.constantFrom('state', 'code', 'error', 'oauth_token', 'state[]', 'code[a]', 'state%5B%5D', 'access_token'),
      fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '%00', '%ff', 'error_description'),
      fc.string({ unit: 'binary', maxLength: 12 }).map(encodeLoosely),
    );
    const value = fc.oneof(
      fc.constantFrom('access_denied', 'server_error', 'invalid_scope', 'user_refused', '', 'null', '[object Object]'),
      fc.constantFrom('%00', '%ff', '%', '%0d%0a', '%c0%80', '+', 'x'.repeat(2_049), '%F0%9F%92%A9', "' OR 1=1 --"),
      fc.string({ unit: 'binary', maxLength: 40 }).map(encodeLoosely),
    );
    const harmless = fc.tuple(known, fc.constant('='), fc.oneof(value, fc.stringMatching(/^[\w.~-]{1,40}$/)));
    const hostile = fc.tuple(name, fc.constantFrom('=', '', '=='), value);
    const pair = fc.oneof({ weight: 3, arbitrary: harmless }, hostile).map((parts) => parts.join(''));
    const callback = fc.record({
      slug: fc.constantFrom('whoop', 'garmin-oauth1', 'whoop', 'garmin-oauth1', 'oura', 'unknown'),
      pairs: fc.array(pair, { maxLength: 5 }),
      ofOpenLink: fc.boolean(),
      byPost: fc.boolean(),
    });

    const statuses = new Set<string | undefined>();
    await fc.assert(
      fc.asyncProperty(callback, async ({ slug, pairs, ofOpenLink, byPost }) => {
        const open = slug === 'garmin-oauth1' ? slug : 'whoop';
        const states = ofOpenLink
          ? [
              await startLink(application, newUser(), open, { return_url: returnUrl }).then(
                ({ state }) => `state=${state}`,
              ),
            ]
          : [];
        const encoded = [...states, ...pairs].join('&');
        const path = `/v1/oauth/${slug}/callback`;
        const answer = byPost
          ? await rawRequest(`POST ${path}`, Buffer.from(encoded))
          : await rawRequest(`GET ${path}?${encodeURI(encoded).replaceAll('%25', '%').replaceAll('#', '%23')}`);
        const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
        statuses.add(status);
        expect(['200', '303', '400', '403', '404']).toContain(status);
      }),
      { numRuns: 500 },
    );
    // Open links were hit too, not only the checks in front of them.
    expect([...statuses].sort()).toEqual(['303', '400', '403', '404']);

    expect(logLines.slice(firstLine).filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
    expect(logLines.length).toBeGreaterThan(firstLine);
    const connections = await queryDatabase(application.databaseUrl, 'SELECT id FROM connections ORDER BY id');
    expect(connections).toEqual(connectionsBefore);
    await application.browser.get('/health/ready').expect(200);
  });

  it('AR-14 is refused when the form itself is not UTF-8', async () => {
    const { state } = await startLink(application, newUser(), 'whoop');
    const form = Buffer.concat([Buffer.from(`state=${state}&code=`), Buffer.from([0xff, 0xfe, 0xc0, 0x80])]);

    const answer = await rawRequest('POST /v1/oauth/whoop/callback', form);

    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });
});

/** Leaves some characters as they are, so that a query holds what a careful client would have encoded. */
function encodeLoosely(text: string): string {
  return [...text].map((char) => (/[\w[\]{}'"%;.]/.test(char) ? char : encodeURIComponentSafely(char))).join('');
}

function encodeURIComponentSafely(char: string): string {
  return Buffer.from(char).reduce((encoded, byte) => `${encoded}%${byte.toString(16).padStart(2, '0')}`, '');
}

/** Sends bytes that no HTTP client would send, and returns the answer as it comes. */
async function rawRequest(requestLine: string, body?: Buffer): Promise<string> {
  const { hostname, port } = new URL(await application.app.getUrl());
  const socket = connect(Number(port), hostname);
  const form =
    body === undefined
      ? ''
      : `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${String(body.length)}\r\n`;
  socket.write(`${requestLine} HTTP/1.1\r\nHost: link.example.com\r\nConnection: close\r\n${form}\r\n`);
  if (body !== undefined) {
    socket.write(body);
  }
  return text(socket);
}

describe('a maker that takes the code and does not answer', () => {
  it.each(slugs)('AR-22 is asked once: %s drops the connection, the link ends, the user starts again', async (slug) => {
    const { user, account, state, callback } = await approvedLink(slug);
    const kind = redemption[slug] === 'access_token' ? 'access_token' : 'token';
    application.sandbox.maker(slug).misbehave({ endpoint: kind, type: 'drop', processed: true });
    const before = calls(slug);

    expect(await sendCallback(pathOf(callback))).toEqual({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
    expect(await sendCallback(pathOf(callback))).toEqual(refused);

    expect(calls(slug)).toBe(before + 1);
    expect(isGrantLive(slug, account)).toBe(true);
    expect(await findLinkRow(state)).toMatchObject({ outcome: 'PROVIDER_UNAVAILABLE', sealed: null });
    await expectNoConnection(user, slug);
    await linkAccount(application, user, slug);
  });

  it('AR-22 with the defence off (the HTTP client repeats) is asked twice, and revokes the grant', async () => {
    const careless = await startReplica({
      override: (builder) => builder.overrideProvider(ProviderHttpClient).useValue(new RepeatingHttpClient()),
    });
    try {
      const { account, callback } = await approvedLink('whoop');
      application.sandbox.maker('whoop').misbehave({ endpoint: 'token', type: 'drop', processed: true });
      const before = calls('whoop');

      await careless.browser.get(pathOf(callback)).expect(403);

      expect(calls('whoop')).toBe(before + 2);
      expect(isGrantLive('whoop', account)).toBe(false);
    } finally {
      await careless.close();
    }
  });
});

class RepeatingHttpClient extends ProviderHttpClient {
  override async send(request: ProviderRequest): Promise<ProviderResponse> {
    try {
      return await super.send(request);
    } catch (error) {
      if (error instanceof ProviderUnavailableError) {
        return super.send(request);
      }
      throw error;
    }
  }
}

describe('a callback in the wrong place', () => {
  it.each([
    ['whoop', 'oura'],
    ['oura', 'whoop'],
    ['garmin-oauth1', 'fitbit-oauth1'],
    ['garmin', 'garmin-oauth1'],
    ['fitbit-oauth1', 'fitbit'],
  ])('AR-09 from %s is not taken on the path of %s, and neither maker is asked', async (started, other) => {
    const { user, callback } = await approvedLink(started);
    const before = [started, other].map((slug) => application.sandbox.maker(slug).history.length);
    const wrongPath = `/v1/oauth/${other}/callback${callback.search}`;

    expect(await sendCallback(wrongPath)).toEqual(refused);

    expect([started, other].map((slug) => application.sandbox.maker(slug).history.length)).toEqual(before);
    await expectNoConnection(user, other);
    await expectNoConnection(user, started);
    expect((await auditEntriesOf(application, user)).slice(1)).toEqual([
      'link.failed denied browser AUTHORIZATION_STATE_INVALID',
    ]);
    expect(await sendCallback(pathOf(callback))).toEqual(connected);
  });

  it('AR-10 is refused when the client of the maker was changed after the link was started', async () => {
    const makerUrl = application.sandbox.maker('whoop').url;
    const { declaration } = application.sandbox.maker('whoop');
    const changed = await startReplica({
      environment: {
        WHOOP_CLIENT_ID: 'another-client',
        WHOOP_CLIENT_SECRET: 'another-secret',
        WHOOP_AUTH_URL: makerUrl + declaration.authorizePath,
        WHOOP_TOKEN_URL: `${makerUrl}/oauth/oauth2/token`,
        WHOOP_API_BASE_URL: `${makerUrl}/developer/v2`,
      },
    });
    try {
      const { user, state, callback } = await approvedLink('whoop');
      const before = application.sandbox.maker('whoop').history.length;

      expect(await sendCallback(pathOf(callback), changed)).toEqual(refused);
      expect(await sendCallback(pathOf(callback))).toEqual(refused);

      expect(application.sandbox.maker('whoop').history).toHaveLength(before);
      expect((await findLinkRow(state)).outcome).toBe('AUTHORIZATION_STATE_INVALID');
      await expectNoConnection(user, 'whoop');
    } finally {
      await changed.close();
    }
  });

  it.each([
    ['the token URL', { WHOOP_TOKEN_URL: 'http://127.0.0.1:9/token' }],
    ['the redirect URI', { WHOOP_REDIRECT_URL: 'https://other.example.com/v1/oauth/whoop/callback' }],
  ])('AR-10 is refused when %s was changed after the link was started', async (_what, environment) => {
    const { url: makerUrl, declaration } = application.sandbox.maker('whoop');
    const settings = {
      WHOOP_CLIENT_ID: 'sandbox-whoop-client',
      WHOOP_CLIENT_SECRET: 'sandbox:whoop%+ &-not-a-real-secret',
      WHOOP_AUTH_URL: makerUrl + declaration.authorizePath,
      WHOOP_TOKEN_URL: `${makerUrl}/oauth/oauth2/token`,
      WHOOP_API_BASE_URL: `${makerUrl}/developer/v2`,
    };
    const same = await startReplica({ environment: settings });
    const changed = await startReplica({ environment: { ...settings, ...environment } });
    try {
      const [first, second] = [await approvedLink('whoop'), await approvedLink('whoop')];
      const before = calls('whoop');

      expect(await sendCallback(pathOf(first.callback), changed)).toEqual(refused);
      expect(calls('whoop')).toBe(before);
      // The settings that both were started under are taken, so the refusal is about the change.
      expect(await sendCallback(pathOf(second.callback), same)).toEqual(connected);
    } finally {
      await Promise.all([same.close(), changed.close()]);
    }
  });
});

describe('OAuth 1.0a', () => {
  const makers = ['garmin-oauth1', 'fitbit-oauth1'];

  it.each(makers.flatMap((slug) => [{ slug, value: 'omit' } as const, { slug, value: 'false' } as const]))(
    'O1-04 ends the attempt when $slug does not confirm the callback ($value)',
    async ({ slug, value }) => {
      const user = newUser();
      application.sandbox.maker(slug).misbehave({ endpoint: 'request_token', type: 'callbackNotConfirmed', value });

      const answer = await application.api.post(`/v1/users/${user}/connections/${slug}/link`).expect(502);

      expect(answer.body).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
      expect(answer.text).not.toContain('oauth_token=');
      const links = await queryDatabase(application.databaseUrl, 'SELECT 1 FROM links WHERE user_id = $1', [user]);
      expect(links).toEqual([]);
    },
  );

  it.each(makers)("O1-05 refuses another attempt's token at %s and asks the maker nothing", async (slug) => {
    const mine = await approvedLink(slug);
    const theirs = await approvedLink(slug);
    const before = calls(slug);
    const swapped = new URL(theirs.callback);
    swapped.searchParams.set('state', mine.state);

    expect(await sendCallback(pathOf(swapped))).toEqual(refused);

    expect(calls(slug)).toBe(before);
    await expectNoConnection(mine.user, slug);
    expect(await sendCallback(pathOf(theirs.callback))).toEqual(connected);
  });

  it.each(makers.flatMap((slug) => ['oauth_verifier', 'oauth_token'].map((name) => ({ slug, name }))))(
    'O1-05 refuses a callback from $slug with a missing or empty $name',
    async ({ slug, name }) => {
      for (const spoil of [(url: URL) => url.searchParams.delete(name), (url: URL) => url.searchParams.set(name, '')]) {
        const { user, callback } = await approvedLink(slug);
        const before = calls(slug);
        spoil(callback);

        expect(await sendCallback(pathOf(callback))).toEqual(refused);

        expect(calls(slug)).toBe(before);
        await expectNoConnection(user, slug);
      }
    },
  );

  it.each(makers)("O1-05 gets nothing from %s with another session's verifier", async (slug) => {
    const mine = await approvedLink(slug);
    const theirs = await approvedLink(slug);
    const before = calls(slug);
    mine.callback.searchParams.set('oauth_verifier', theirs.callback.searchParams.get('oauth_verifier') ?? '');

    expect(await sendCallback(pathOf(mine.callback))).toEqual({ status: 403, code: 'AUTHORIZATION_CODE_REFUSED' });

    expect(calls(slug)).toBe(before + 1);
    await expectNoConnection(mine.user, slug);
  });

  it.each(makers)('O1-06 keeps the temporary secret of %s sealed, and drops it with the callback', async (slug) => {
    const { linkWebUrl, state, callback } = await approvedLink(slug);
    const { temporaryToken, temporaryTokenSecret } = await openSealed(state);
    const before = await dumpDatabase();
    expect(new URL(linkWebUrl).searchParams.get('oauth_token')).toBe(temporaryToken);
    expect(await sendCallback(pathOf(callback))).toEqual(connected);

    const urls = recorder.sent.map(({ url }) => url).join('\n');
    const logs = logLines.join('');
    expectAbsent(temporaryTokenSecret, before, await dumpDatabase(), linkWebUrl, callback.href, urls, logs);
    expect((await findLinkRow(state)).sealed).toBeNull();
  });
});
