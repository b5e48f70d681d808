import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { RefusalRecorder, type Refusal } from '../../src/audit/refusal-recorder.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { CompanyLogin } from '../support/company-login.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { rowsOf } from '../support/rows.js';

/** Calls of each kind; `REFUSED_CALLS=5000` for the long run. */
const calls = Number(process.env['REFUSED_CALLS'] ?? 500);
/** Entries of their own that one source leaves in a minute for a code, and the summary. */
const entriesInMinute = 5 + 1;
const invented = { user: 'nobody-of-this-name', link: '11111111-1111-4111-8111-111111111111' };

interface Entry {
  readonly action: string;
  readonly actor: string;
  readonly code: string | null;
  readonly subject: string | null;
  readonly address: string | null;
  readonly user_digest: Buffer | null;
}

/** Makes one call that is refused. */
type Call = () => PromiseLike<Response>;

let login: CompanyLogin;
let application: TestApplication;

beforeAll(async () => {
  login = await CompanyLogin.start();
});
afterAll(() => login.stop());
afterEach(() => application.close());

async function start(environment: Readonly<Record<string, string>> = {}, bounded = true): Promise<void> {
  application = await startApplication({
    environment: { ...login.environment, LINK_CONFIRMATION: 'optional', ...environment },
    ...(bounded
      ? {}
      : {
          override: (builder) =>
            builder.overrideProvider(RefusalRecorder).useFactory({
              factory: (audit: AuditTrail) => ({
                record: (refusal: Refusal) => audit.record({ ...refusal, outcome: 'denied' }),
                flush: () => undefined,
              }),
              inject: [AuditTrail],
            }),
        }),
  });
  await linkAccount(application, 'user-1', 'whoop');
}

/** Repeats a call and returns the entries that it has left, that of the minute included. */
async function repeat(call: Call, times: number, status: number): Promise<Entry[]> {
  const find = () => rowsOf<Entry>(application.databaseUrl, 'audit_entries', {}, 'writer, sequence');
  const recorder = application.app.get(RefusalRecorder);
  await recorder.flush();
  const before = (await find()).length;
  for (let left = times; left > 0; left -= 10) {
    const statuses = await Promise.all(Array.from({ length: Math.min(left, 10) }, async () => (await call()).status));
    expect(new Set(statuses)).toEqual(new Set([status]));
  }
  await recorder.flush();
  return (await find()).slice(before);
}

/** The number of calls that entries tell of. */
function countTold(entries: readonly Entry[]): number {
  return entries.reduce((sum, { subject }) => sum + Number(/^calls:(\d+)$/.exec(subject ?? '')?.[1] ?? 1), 0);
}

const as = (credentials: string) => ({ authorization: `Bearer ${credentials}` });
const tokenOf = (user: string) => `/v1/users/${user}/connections/whoop/token`;

interface Kind {
  readonly status: number;
  /** How many of the calls the trail tells of. */
  readonly told: 'all' | 'none';
  readonly prepare: () => Promise<Call> | Call;
}

/** The kinds of refusals. */
const kinds = {
  'API_KEY_INVALID of a stranger': {
    status: 401,
    told: 'all',
    prepare: () => () => application.browser.get(tokenOf(invented.user)),
  },
  'USER_TOKEN_INVALID of a stranger': {
    status: 401,
    told: 'all',
    prepare: async () => {
      const expired = await login.tokenFor(invented.user, -60);
      return () => application.browser.get(`/v1/users/${invented.user}/connections`).set(as(expired));
    },
  },
  'SCOPE_MISSING of a key': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const key = await application.createKey('links:write');
      return () => application.browser.get(tokenOf(invented.user)).set(as(key));
    },
  },
  'ACCESS_DENIED of a key for another provider': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const key = await limitedKey('oura');
      return () => application.browser.get(tokenOf(invented.user)).set(as(key));
    },
  },
  'ACCESS_DENIED of a key that makes a session for another provider': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const key = await limitedKey('oura');
      const session = { user_id: invented.user, providers: ['whoop'] };
      return () => application.browser.post('/v1/link-sessions').set(as(key)).send(session);
    },
  },
  'ACCESS_DENIED of a user who asks for another': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const token = await login.tokenFor('user-1');
      return () => application.browser.get(`/v1/users/${invented.user}/connections`).set(as(token));
    },
  },
  'AUTHORIZATION_STATE_INVALID of a made-up callback': {
    status: 403,
    told: 'none',
    prepare: () => () => application.browser.get('/v1/oauth/whoop/callback?code=c&state=made-up'),
  },
  'AUTHORIZATION_STATE_INVALID of a callback that comes again': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const callback = pathOf(await consent((await startLink(application, 'user-1', 'whoop')).linkWebUrl));
      await application.browser.get(callback).expect(200);
      return () => application.browser.get(callback);
    },
  },
  'AUTHORIZATION_STATE_INVALID of a confirmation of nothing': {
    status: 403,
    told: 'all',
    prepare: () => () => confirm(invented.link),
  },
  'AUTHORIZATION_STATE_INVALID of a confirmation with a wrong code': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const response = await application.api.post('/v1/users/user-1/connections/whoop/link').send({}).expect(201);
      const { link_id: linkId } = response.body as { link_id: string };
      return () => confirm(linkId);
    },
  },
  'LINK_SESSION_INVALID of a session that is open elsewhere': {
    status: 403,
    told: 'all',
    prepare: async () => {
      const response = await application.api.post('/v1/link-sessions').send({ user_id: 'user-1' }).expect(201);
      const { link_token: token } = response.body as { link_token: string };
      const open = () => application.browser.post('/connect').type('form').send({ link_token: token });
      await open().expect(303);
      return open;
    },
  },
  'LINK_SESSION_INVALID of a made-up session': {
    status: 403,
    told: 'none',
    prepare: () => () =>
      application.browser
        .post('/connect')
        .type('form')
        .send({ link_token: 'x'.repeat(43) }),
  },
  'SCOPE_NOT_GRANTED of a token': {
    status: 409,
    told: 'all',
    prepare: () => () => application.api.get(`${tokenOf('user-1')}?scope=nope`),
  },
} as const satisfies Readonly<Record<string, Kind>>;

function limitedKey(provider: string): Promise<string> {
  const scopes = ['tokens:read', 'links:write'] as const;
  return application.app.get(ApiKeysService).create('limited', scopes, { providers: [provider] });
}

/** Confirms with a wrong code and names a user whom nobody knows. */
function confirm(linkId: string): PromiseLike<Response> {
  const body = { user_id: invented.user, confirmation_code: 'x'.repeat(43) };
  return application.api.post(`/v1/links/${linkId}/confirm`).send(body);
}

describe('refused calls, many times', () => {
  it.each(Object.entries(kinds))(
    'leave few entries, and none about an invented user or link: %s (AR-26)',
    async (_kind, { status, told, prepare }) => {
      await start();
      const startedAt = performance.now();
      const entries = await repeat(await prepare(), calls, status);

      const minutes = 2 + Math.floor((performance.now() - startedAt) / 60_000);
      expect(entries.length).toBeLessThanOrEqual(minutes * entriesInMinute);
      expect(countTold(entries)).toBe(told === 'all' ? calls : 0);
      const digest = application.app.get(VaultService).digest('audit.user', [invented.user]);
      expect(entries.filter((entry) => entry.user_digest?.equals(digest) === true)).toEqual([]);
      expect(JSON.stringify(entries)).not.toContain(invented.link);
      expect(entries.every(({ address }) => address?.startsWith('digest:') === true)).toBe(true);
    },
  );

  it.each(['SCOPE_NOT_GRANTED of a token', 'AUTHORIZATION_STATE_INVALID of a confirmation of nothing'] as const)(
    'leave an entry each where each is written down as it comes: %s (AR-26)',
    async (kind) => {
      await start({}, false);
      const { prepare, status }: Kind = kinds[kind];

      expect(await repeat(await prepare(), 100, status)).toHaveLength(100);
    },
  );

  it('leave none beyond the limit of their caller (AR-25, AR-26)', async () => {
    await start({ RATE_LIMIT_CALLER_PER_MINUTE: '3', RATE_LIMIT_ADDRESS_PER_MINUTE: '4' });
    const key = await application.createKey('links:write');
    const path = tokenOf('user-1');
    const statuses = [];
    for (let call = 0; call < 8; call += 1) {
      statuses.push((await application.browser.get(path).set(as(key))).status);
      statuses.push((await application.browser.get(path)).status);
    }
    await application.app.get(RefusalRecorder).flush();

    expect(statuses.filter((status) => status === 429)).toHaveLength(statuses.length - 3 - 2);
    const denials = await rowsOf<Entry>(application.databaseUrl, 'audit_entries', { action: 'access.denied' });
    const told = (code: string) => countTold(denials.filter((entry) => entry.code === code));
    expect({ scope: told('SCOPE_MISSING'), key: told('API_KEY_INVALID') }).toEqual({ scope: 3, key: 2 });
  });

  it('are written when the process ends before the minute (AR-26)', async () => {
    await start();
    await application.browser.get(tokenOf('user-1')).expect(401);
    await application.browser.get(tokenOf('user-1')).expect(401);
    await application.app.close();

    const rows = await rowsOf<Entry>(application.databaseUrl, 'audit_entries', { action: 'access.denied' });
    expect(rows).toMatchObject([{ actor: 'unknown', code: 'API_KEY_INVALID', subject: 'calls:2', user_digest: null }]);
  });
});
