import { describe, expect, it } from '@jest/globals';
import { KnownSecrets, knownSecrets } from './known-secrets.js';
import { scrub, scrubDeep, scrubPath } from './scrub.js';

const canary = 'canary5b1f0e2d7c9a4e6f8b3d1c0a9e8f7d6c';
const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.';

describe('scrub', () => {
  it.each([
    ['a query', `GET /callback?code=canary&state=canary`],
    ['a form', `grant_type=refresh_token&refresh_token=canary&client_secret=canary`],
    ['JSON', `{"access_token": "canary", "token_secret":"canary"}`],
    ['a header', `Authorization: Bearer canary.canary`],
    ['Basic authentication', `sent Basic Y2FuYXJ5OmNhbmFyeQ==`],
    ['a URL with a password', `cannot reach postgres://cufflink:canary@db.example.com/cufflink`],
    ['an API key', `key cuff_${'0'.repeat(18)}_${'canary0'.repeat(6)}x is wrong`],
    ['a JSON Web Token', `token ${jwt}c2lnbmF0dXJl was refused`],
    ['a random run', `unexpected value ${canary} here`],
    ['a random run in quotes', `unexpected value "${canary}"`],
  ])('hides the secret in %s (LOG-01)', (_name, text) => {
    expect(scrub(text)).toContain('[secret]');
    expect(scrub(text)).not.toMatch(/canary|Y2FuYXJ5/);
  });

  it.each([
    'Connection 3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101 is erased.',
    'WHOOP: refresh of connection 3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101 failed with PROVIDER_UNAVAILABLE; next attempt in 1200 ms.',
    'The provider at api.prod.whoop.com did not respond in time.',
    'relation "vault_keys" does not exist',
    'GET /v1/users/user-1/connections/whoop/token 200',
    'Journal: the refreshed tokens of connection 3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101 are committed.',
    'Invalid settings. ACCESS_TOKEN: must be set.',
    'REFRESH_IN_DOUBT_HOLD_SECONDS: must be a number of seconds.',
  ])('leaves "%s" as it is', (text) => {
    expect(scrub(text)).toBe(text);
  });

  it('leaves ids of users in a path, and hides what has 256 bits', () => {
    const userId = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
    expect(scrubPath(`/v1/users/${userId}/connections`)).toBe(`/v1/users/${userId}/connections`);
    expect(scrubPath(`/connect/${'canary0'.repeat(6)}x`)).toBe('/connect/[secret]');
  });

  it('hides by value, at any depth and under any name (LOG-01)', () => {
    const scrubbed = scrubDeep({ a: [{ note: canary, count: 3 }], deep: { deep: { text: `Bearer ${canary}` } } });
    expect(scrubbed).toEqual({ a: [{ note: '[secret]', count: 3 }], deep: { deep: { text: 'Bearer [secret]' } } });
    const nested: Record<string, unknown> = {};
    nested['self'] = nested;
    expect(JSON.stringify(scrubDeep(nested))).toContain('[secret]');
  });
});

describe('KnownSecrets', () => {
  it('hides a setting in every form in which it may be written (LOG-01)', () => {
    const known = new KnownSecrets(10);
    known.addSetting('not a real/secret+');
    const forms = [
      'not a real/secret+',
      'not%20a%20real%2Fsecret%2B',
      Buffer.from('not a real/secret+').toString('base64'),
    ];
    expect(forms.map((form) => known.hide(`it is ${form}, yes`))).toEqual(forms.map(() => 'it is [secret], yes'));
  });

  it.each([
    'prefixed-pass wo$d:1%&!"-suffixed',
    'pass wo$d:1%&!"',
    'client_secret=pass wo$d:1%&!"',
    'pass wo$d:1%&!"pass wo$d:1%&!"',
  ])('hides a setting of any characters anywhere in "%s" (LOG-01)', (text) => {
    const known = new KnownSecrets(10);
    known.addSetting('pass wo$d:1%&!"');
    known.addSetting('pass wo$d');
    expect(known.hide(text)).toBe(text.replaceAll('pass wo$d:1%&!"', '[secret]'));
    expect(known.hide('pass wo$d:2%')).toBe('[secret]:2%');
  });

  it('hides a token that looks like an ordinary word (LOG-01)', () => {
    const known = new KnownSecrets(10);
    expect(known.hide('the value plainword was refused')).toBe('the value plainword was refused');
    known.addToken('plainword');
    expect(known.hide('the value plainword was refused')).toBe('the value [secret] was refused');
  });

  it('forgets the oldest token when there is no room', () => {
    const known = new KnownSecrets(2);
    ['first-token', 'second-token', 'third-token'].forEach((token) => known.addToken(token));
    expect(known.hide('first-token second-token third-token')).toBe('first-token [secret] [secret]');
  });

  it('takes no value so short that it would hide ordinary words', () => {
    const known = new KnownSecrets(2);
    known.addSetting('on');
    known.addToken('on');
    expect(known.hide('on and on')).toBe('on and on');
  });

  it('knows the secrets of settings and grants by itself (LOG-01)', async () => {
    const { Secret } = await import('../provider-kit/definition/secret.js');
    const { TokenResponse } = await import('../provider-kit/token-response.js');
    expect(new Secret('settingword').reveal()).toBe('settingword');
    expect(
      new TokenResponse({ accessToken: 'grantword', refreshToken: 'refreshword', requestedAt: new Date() }),
    ).toBeDefined();
    expect(knownSecrets.hide('settingword grantword refreshword')).toBe('[secret] [secret] [secret]');
  });
});
