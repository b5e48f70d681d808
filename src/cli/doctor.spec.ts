import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exampleOAuth1, exampleOAuth2, exampleSettings } from '../provider-kit/testing/example-definition.js';
import { Secret } from '../provider-kit/definition/secret.js';
import { checkProvider, checkService, countWrong, renderReport, type Finding } from './doctor.js';
import type { CatalogueEntry } from './provider-catalogue.js';

const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://link.example.com',
  ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
  RETURN_URLS: 'https://app.example.com/done',
};
const today = '2026-09-15';
const settings = exampleSettings('https://provider.example');

function verdicts(findings: readonly Finding[]): object {
  return Object.fromEntries(findings.map(({ subject, verdict }) => [subject, verdict]));
}

const allOk = {
  process: 'ok',
  'root key': 'ok',
  RETURN_URLS: 'ok',
  pages: 'ok',
  tokens: 'ok',
  access: 'ok',
  audit: 'ok',
  outbound: 'ok',
};

describe('checkService', () => {
  it('finds nothing wrong where nothing is set, in development', () => {
    expect(verdicts(checkService({}))).toEqual(allOk);
  });

  it('finds nothing wrong with complete settings, in production', () => {
    const findings = checkService(production);
    expect(verdicts(findings)).toEqual(allOk);
    expect(findings.map(({ text }) => text).join('\n')).toContain('https://link.example.com');
  });

  it.each([
    ['process', { PUBLIC_URL: '' }, 'PUBLIC_URL must be set to an https URL'],
    ['process', { PUBLIC_URL: 'http://link.example.com' }, 'PUBLIC_URL must be set to an https URL'],
    ['root key', { ENCRYPTION_ROOT_KEY: '' }, 'Set either ENCRYPTION_ROOT_KEY or ENCRYPTION_ROOT_KEY_FILE'],
    ['root key', { ENCRYPTION_ROOT_KEY: 'short' }, 'ENCRYPTION_ROOT_KEY must hold 32 bytes'],
    ['RETURN_URLS', { RETURN_URLS: 'http://app.example.com' }, 'RETURN_URLS must be a comma-separated list'],
    ['RETURN_URLS', { RETURN_URLS: 'https://*.example.com/' }, 'which is not supported. List each URL in full'],
    ['process', { HOST: 'everywhere' }, 'HOST: must be an address of this machine'],
    ['tokens', { REFRESH_CONFIRMATION_SECONDS: 'soon' }, 'REFRESH_CONFIRMATION_SECONDS'],
    ['access', { UNBOUND_API_KEYS: 'maybe' }, 'UNBOUND_API_KEYS'],
    ['audit', { AUDIT_HEAD_LOG_SECONDS: '0' }, 'AUDIT_HEAD_LOG_SECONDS'],
    ['process', { CORS_ORIGINS: 'http://app.example.com' }, 'CORS_ORIGINS'],
    ['process', { NODE_OPTIONS: '--report_on_signal' }, '--report_on_signal'],
    ['access', { RATE_LIMIT_STORAGE: 'redis' }, 'RATE_LIMIT_STORAGE'],
    ['access', { USER_JWKS_URL: 'https://login.example.com/keys' }, 'USER_JWT_ISSUER'],
    ['outbound', { OUTBOUND_PROXY_URL: 'socks5://egress' }, 'OUTBOUND_PROXY_URL'],
  ])('finds what is wrong with %s: %j, and nothing else', (subject, change, sentence) => {
    const wrong = checkService({ ...production, ...change }).filter(({ verdict }) => verdict === 'wrong');
    expect(wrong).toEqual([{ verdict: 'wrong', subject, text: expect.stringContaining(sentence) }]);
  });

  it('finds a root key file that others can read, in production (CR-10)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cufflink-doctor-'));
    const file = join(directory, 'root-key');
    try {
      writeFileSync(file, production.ENCRYPTION_ROOT_KEY);
      chmodSync(file, 0o644);
      const environment = { ...production, ENCRYPTION_ROOT_KEY: '', ENCRYPTION_ROOT_KEY_FILE: file };
      const wrong = checkService(environment).filter(({ verdict }) => verdict === 'wrong');
      expect(wrong).toEqual([
        { verdict: 'wrong', subject: 'root key', text: expect.stringContaining('the permissions 0644') },
      ]);
      chmodSync(file, 0o600);
      expect(verdicts(checkService(environment))).toEqual(allOk);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('finds everything that is wrong at once', () => {
    const environment = { NODE_ENV: 'production', RETURN_URLS: 'x', TOKEN_REFRESH_MARGIN_SECONDS: 'x' };
    expect(countWrong(checkService(environment))).toBe(4);
  });

  it.each([
    ['must be confirmed', 'wrong', {}, 'so no link can be started'],
    ['may be direct', 'note', { LINK_CONFIRMATION: 'optional' }, 'back to your application'],
  ])('reports empty RETURN_URLS in production where a link %s: %s', (_what, verdict, environment, text) => {
    const findings = checkService({ ...production, RETURN_URLS: '', ...environment });
    expect(findings.find(({ subject }) => subject === 'RETURN_URLS')).toMatchObject({
      verdict,
      text: expect.stringContaining(text),
    });
  });

  it('shows no root key (LOG-01)', () => {
    const environment = { ...production, ENCRYPTION_ROOT_KEY: `${production.ENCRYPTION_ROOT_KEY}x` };
    expect(JSON.stringify(checkService(environment))).not.toContain(production.ENCRYPTION_ROOT_KEY);
    expect(JSON.stringify(checkService(production))).not.toContain(production.ENCRYPTION_ROOT_KEY);
  });
});

describe('checkProvider', () => {
  it('prints the URL to register for notifications, and a missing secret', () => {
    const channel = {
      sends: [],
      setup: { by: 'portal', scope: 'app', note: 'Set one URL for each type.' },
      contentType: 'application/json',
      proof: { kind: 'token', tokens: [{ field: 'token', equals: 'hook-secret' }] },
      response: { status: 200 },
      retries: 'none',
      read: () => [],
      confidence: 'high',
      sources: [],
    } as const;
    const definition = { ...exampleOAuth2, notifications: { channels: [channel] } };
    const url = 'https://link.example.com/v1/hooks/example';
    const notifications = { ...settings.notifications, url };
    const textWith = (own: object): string =>
      checkProvider({ definition, settings: { ...settings, notifications: { ...notifications, ...own } } }, today).text;
    expect(textWith({})).toContain(
      `register ${url} by hand. Set EXAMPLE_HOOK_SECRET: without it they are refused. Set one URL`,
    );
    const secret = new Secret('not-a-real-secret');
    expect(textWith({ secret, pathSecret: secret })).toContain(
      `register ${url}/<EXAMPLE_HOOK_PATH_SECRET> by hand. Set one URL`,
    );
    const subscriptions = {
      scope: 'app',
      url: 'https://api.example/subscriptions',
      proof: { by: 'client-basic' },
      topics: [],
      list: { method: 'GET', in: 'query' },
      create: { method: 'POST', in: 'json', fields: { token: '{verifyToken}' } },
      remove: { method: 'DELETE', in: 'query' },
      response: { callbackUrl: 'url' },
    } as const;
    Object.assign(definition.notifications, { subscriptions });
    expect(textWith({})).toContain(`A worker subscribes ${url} to notifications. Set EXAMPLE_HOOK_SECRET`);
    expect(textWith({ secret })).toContain('Set EXAMPLE_HOOK_VERIFY_TOKEN to a random text');
    expect(textWith({ secret, verifyToken: secret })).not.toContain('EXAMPLE_HOOK_VERIFY_TOKEN');
  });

  it('prints the redirect URI of a configured provider, and not its secret', () => {
    const finding = checkProvider({ definition: exampleOAuth2, settings }, today);
    expect(finding).toEqual({
      verdict: 'ok',
      subject: 'example',
      text: 'Configured. Register the redirect URI https://app.example/callback at the provider.',
    });
  });

  it.each([
    [undefined, 'It uses the server main. Set EXAMPLE_SERVER to use old.'],
    ['old', 'It uses the server old. Set EXAMPLE_SERVER to use main.'],
  ])('tells which of several servers is used when EXAMPLE_SERVER is %s', (server, sentence) => {
    const definition = { ...exampleOAuth2, servers: { main: {}, old: { tokenUrl: 'https://old.example/token' } } };
    expect(checkProvider({ definition, settings: { ...settings, server } }, today).text).toContain(sentence);
  });

  it.each([
    ['not-configured', exampleOAuth2, 'Off. To enable it, set EXAMPLE_CLIENT_ID, EXAMPLE_CLIENT_SECRET and'],
    ['sandbox', exampleOAuth1, 'Uses the vendor sandbox. To enable it, set EXAMPLE_CLIENT_ID, EXAMPLE_CLI'],
    ['not-configured', { ...exampleOAuth2, clientAuthentication: 'none' as const }, 'set EXAMPLE_CLIENT_ID and'],
  ] as const)('tells what switches on a provider that is %s', (mode, definition, sentence) => {
    const finding = checkProvider({ definition, settings: { ...settings, mode } }, today);
    expect(finding).toMatchObject({ verdict: 'off', text: expect.stringContaining(sentence) });
    expect(finding.text).toContain('register the redirect URI https://app.example/callback.');
  });

  it('reports a setting that would stop the start, and prints the redirect URI nevertheless', () => {
    const entry: CatalogueEntry = { definition: exampleOAuth2, settings, problem: 'EXAMPLE_CLIENT_SECRET is missing.' };
    expect(checkProvider(entry, today)).toEqual({
      verdict: 'wrong',
      subject: 'example',
      text: 'EXAMPLE_CLIENT_SECRET is missing. Its redirect URI is https://app.example/callback.',
    });
  });

  it.each([
    ['retiring', '2026-12-31', 'The provider shuts it down on 2026-12-31. Link new users with newer.'],
    [
      'retired',
      '2026-09-14',
      'The provider shut it down on 2026-09-14. Link new users with newer. New links are rejected',
    ],
    ['retired', '2026-09-15', 'The provider shuts it down on 2026-09-15.'],
  ] as const)('notes when a %s provider ends (%s), and what replaces it', (status, sunsetAt, sentence) => {
    const definition = { ...exampleOAuth2, lifecycle: { status, sunsetAt, replacedBy: 'newer' } };
    expect(checkProvider({ definition, settings }, today)).toMatchObject({
      verdict: 'note',
      text: expect.stringContaining(sentence),
    });
  });

  it.each([
    ['2026-10-16', 3, 'on 2026-10-16.', false],
    ['2026-10-15', 3, '3 active connections are left, 30 days before the end.', true],
    ['2026-09-22', 3, '3 active connections are left, 7 days before the end.', true],
    ['2026-09-16', 1, '1 active connection is left, 1 day before the end.', true],
    ['2026-09-14', 2, '2 active connections are left, which end now.', true],
    ['2026-09-22', 0, 'on 2026-09-22.', false],
  ])('counts what is left of a provider that ends on %s, with %d connections', (sunsetAt, left, sentence, counted) => {
    const definition = { ...exampleOAuth2, lifecycle: { status: 'retiring', sunsetAt } as const };
    const { text } = checkProvider({ definition, settings }, today, left);
    expect(text).toContain(sentence);
    expect(text.includes('left')).toBe(counted);
  });

  it('says that nothing replaces a provider without a successor', () => {
    const definition = { ...exampleOAuth2, lifecycle: { status: 'retiring', sunsetAt: '2027-01-01' } as const };
    expect(checkProvider({ definition, settings }, today).text).toContain('It has no successor.');
  });
});

describe('renderReport', () => {
  const ok: Finding = { verdict: 'ok', subject: 'database', text: 'answers' };
  const wrong: Finding = { verdict: 'wrong', subject: 'example', text: 'is missing' };

  it('puts verdict, subject and text below each other', () => {
    expect(renderReport([ok], [wrong])).toBe(
      'Service\nOK  database  answers\n\nProviders\nWRONG  example  is missing\n\n1 problem found: see WRONG above.',
    );
  });

  it('ends with how many things would not work', () => {
    expect(renderReport([wrong], [wrong])).toMatch(/\n2 problems found: see WRONG above\.$/);
    expect(renderReport([ok], [ok])).toMatch(/\nNo problems found\.$/);
  });
});
