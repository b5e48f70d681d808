import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { pathOf, startLink } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';
import { type BearerBody, getConnection, getToken } from '../support/connection-bodies.js';

describe('the scopes of a link', () => {
  let application: TestApplication;
  let users = 0;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(() => application.sandbox.provider('whoop').behave());
  afterAll(() => application.close());

  /** Every test has a user of its own. */
  function newUser(): string {
    users += 1;
    return `user-${users}`;
  }

  it('requests the scopes of the link instead of the default ones (AR-17)', async () => {
    const user = newUser();
    const scopes = ['offline', 'read:sleep', 'read:profile'];
    const { linkWebUrl } = await startLink(application, user, 'whoop', { scopes });
    expect(new URL(linkWebUrl).searchParams.get('scope')).toBe('offline read:sleep read:profile');
    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);

    expect(await getConnection(application, user, 'whoop')).toMatchObject({
      scopes_granted: scopes,
      scopes_missing: [],
      scopes_unrequested: [],
    });
    expect((await getToken<BearerBody>(application, user, 'whoop')).scopes).toEqual(scopes);
  });

  it.each([
    { slug: 'oura', asked: ['extapi:personal', 'extapi:daily', 'extapi:workout'], granted: ['extapi:daily'] },
    { slug: 'fitbit', asked: ['activity', 'sleep', 'profile'], granted: ['sleep'] },
  ])('shows what the user unticked at $slug (AR-17)', async ({ slug, asked, granted }) => {
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, slug, { scopes: asked });
    await application.browser.get(pathOf(await consent(linkWebUrl, { scopes: granted }))).expect(200);

    const connection = await getConnection(application, user, slug);
    expect(connection).toMatchObject({
      status: 'active',
      scopes_granted: granted,
      scopes_missing: asked.filter((scope) => !granted.includes(scope)),
    });
    expect((await getToken<BearerBody>(application, user, slug)).scopes).toEqual(granted);
  });

  it('issues no token for a scope that the user has not granted, and leaves an audit entry (AR-17)', async () => {
    const user = newUser();
    const [personal, daily, workout] = ['extapi:personal', 'extapi:daily', 'extapi:workout'] as const;
    const scopes = [personal, daily, workout];
    const { linkWebUrl } = await startLink(application, user, 'oura', { scopes });
    await application.browser.get(pathOf(await consent(linkWebUrl, { scopes: [personal, daily] }))).expect(200);
    const path = `/v1/users/${user}/connections/oura/token`;

    const refused = await application.api
      .get(path)
      .query({ scope: `${daily} ${workout}` })
      .expect(409);

    expect(refused.body).toMatchObject({ code: 'SCOPE_NOT_GRANTED', act: 'user' });
    expect((refused.body as { detail: string }).detail).toContain('not granted: extapi:workout.');
    expect(refused.text).not.toContain('access_token');
    expect((await auditEntriesOf(application, user)).at(-1)).toBe('token.handed_out denied api-key SCOPE_NOT_GRANTED');
    for (const scope of [daily, ` ${daily}  ${personal} `, '']) {
      await application.api.get(path).query({ scope }).expect(200);
    }
    for (const query of ['scope=daily&scope=workout', 'scope=a%00', 'scope=%22', `scope=${'x'.repeat(2_001)}`]) {
      await application.api.get(`${path}?${query}`).expect(400);
    }
  });

  it('reports unreadable scopes as unknown, never as the requested ones (TE-04)', async () => {
    const user = newUser();
    const fake = application.sandbox.provider('whoop');
    const path = `/v1/users/${user}/connections/whoop`;
    const unknown = { scopes_granted: null, scopes_missing: null, scopes_unrequested: null };
    fake.misbehave({ endpoint: 'token', type: 'fields', values: { scope: '' } });
    const { linkWebUrl } = await startLink(application, user, 'whoop');
    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);

    expect(await getConnection(application, user, 'whoop')).toMatchObject(unknown);
    const token = await application.api.get(`${path}/token`).expect(200);
    expect(token.body).toMatchObject({ scopes: null });
    const refused = await application.api.get(`${path}/token`).query({ scope: 'offline' }).expect(409);
    expect(refused.body).toMatchObject({ code: 'SCOPE_NOT_GRANTED' });
    expect((refused.body as { detail: string }).detail).toContain('The granted scopes are unknown');
    expect((await application.api.get('/v1/users/' + user + '/connections')).body).toMatchObject({
      connections: [unknown],
    });

    // Once the provider tells them, they are known; what it garbles later is unknown again.
    fake.misbehave({ endpoint: 'refresh', type: 'scope', scopes: ['offline'] });
    await application.api.post(`${path}/refresh`).expect(200);
    expect(await getConnection(application, user, 'whoop')).toMatchObject({
      scopes_granted: ['offline'],
      scopes_unrequested: [],
    });
    await application.api.get(`${path}/token`).query({ scope: 'offline' }).expect(200);
    fake.misbehave({ endpoint: 'refresh', type: 'fields', values: { scope: 7 } });
    await application.api.post(`${path}/refresh`).expect(200);
    expect(await getConnection(application, user, 'whoop')).toMatchObject(unknown);

    // Scopes that a replica of an earlier release has stored since are shown: it does not know the column that says
    // otherwise.
    const earlier = `UPDATE connections SET scopes_granted = '{offline}' WHERE user_id = $1`;
    await queryDatabase(application.databaseUrl, earlier, [user]);
    expect(await getConnection(application, user, 'whoop')).toMatchObject({ scopes_granted: ['offline'] });
  });

  it.each<[scope: string, granted: string[] | null]>([
    ['read,%20activity:read_all', ['read', 'activity:read_all']],
    ['read%20activity:read_all', ['read', 'activity:read_all']],
    ['read,activity:read_all', ['read', 'activity:read_all']],
    ['', null],
    ['%20,', null],
    ['r%C3%A9ad', null],
  ])('reads the scope %j of a callback forgivingly (TE-04)', async (scope, granted) => {
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, 'strava', { scopes: ['read', 'activity:read_all'] });
    const callback = await consent(linkWebUrl, { account: String(900_000 + Math.floor(performance.now())) });
    const query = callback.search.replace(/&scope=[^&]*/, `&scope=${scope}`);
    expect(query).toContain(`&scope=${scope}`);
    await application.browser.get(callback.pathname + query).expect(200);
    expect(await getConnection(application, user, 'strava')).toMatchObject({
      scopes_granted: granted,
      scopes_missing: granted && [],
    });
  });

  it('shows scopes that the provider granted unrequested, at the link and at a refresh (AR-17)', async () => {
    const user = newUser();
    const scopes = ['offline', 'read:sleep'];
    const fake = application.sandbox.provider('whoop');
    fake.misbehave({ endpoint: 'token', type: 'scope', scopes: [...scopes, 'read:profile'] });
    const { linkWebUrl } = await startLink(application, user, 'whoop', { scopes });
    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
    expect(await getConnection(application, user, 'whoop')).toMatchObject({
      scopes_missing: [],
      scopes_unrequested: ['read:profile'],
    });

    fake.misbehave({ endpoint: 'refresh', type: 'scope', scopes: [...scopes, 'read:workout'] });
    await application.api.post(`/v1/users/${user}/connections/whoop/refresh`).expect(200);
    expect(await getConnection(application, user, 'whoop')).toMatchObject({ scopes_unrequested: ['read:workout'] });
  });
});
