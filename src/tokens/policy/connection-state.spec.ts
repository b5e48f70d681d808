import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { exampleOAuth2 } from '../../provider-kit/testing/example-definition.js';
import { connectionState, refreshExpiry, stateReasons } from './connection-state.js';

const now = new Date('2026-11-30T12:00:00Z');
const past = new Date('2026-11-30T11:59:59Z');
const future = new Date('2026-11-30T12:00:01Z');

const healthy = {
  status: 'active',
  endReason: null,
  refreshable: true,
  expiresAt: future,
  suspectSince: null,
  goneSince: null,
  failedAttempts: 0,
} as const;

describe('connectionState', () => {
  it.each([
    ['nothing has happened', {}, 'active', null],
    ['the access token has expired and can be refreshed', { expiresAt: past }, 'active', null],
    ['the refresh token was refused once', { suspectSince: past, failedAttempts: 1 }, 'active', 'refusal_unconfirmed'],
    ['the provider responded with 410 once', { goneSince: past, failedAttempts: 1 }, 'active', 'gone_unconfirmed'],
    ['the last refresh failed', { failedAttempts: 3 }, 'active', 'refresh_failing'],
    ['there is no refresh token', { refreshable: false }, 'active', 'no_refresh_token'],
    ['there is none, and the token does not expire', { refreshable: false, expiresAt: null }, 'active', null],
    [
      'there is none, and the token has expired',
      { refreshable: false, expiresAt: past },
      'needs_relink',
      'no_refresh_token',
    ],
    ['it has ended', { status: 'needs_relink', endReason: 'unreachable' }, 'needs_relink', 'unreachable'],
    ['it has ended without a reason', { status: 'needs_relink' }, 'needs_relink', 'grant_refused'],
  ] as const)('tells when %s', (_, columns, status, reason) => {
    expect(connectionState({ ...healthy, ...columns }, false, now)).toEqual({ status, reason });
  });

  it('shows every connection of a provider that has shut down as ended (TE-16)', () => {
    expect(connectionState(healthy, true, now)).toEqual({ status: 'needs_relink', reason: 'provider_retired' });
    const ended = { ...healthy, status: 'needs_relink', endReason: 'grant_refused' } as const;
    expect(connectionState(ended, true, now).reason).toBe('grant_refused');
  });

  it('has a sentence in docs/errors.md for each reason, and none for another', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('## Reasons'));
    const documented = [...section.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, reason]) => reason);
    expect(documented.sort()).toEqual([...stateReasons].sort());
  });
});

describe('refreshExpiry', () => {
  const { refresh } = exampleOAuth2;
  const definition = { ...exampleOAuth2, refresh: { ...refresh, refreshTokenIdleSeconds: 3_600 } };
  const linkedAt = new Date('2026-11-01T00:00:00Z');
  const lastRefreshedAt = new Date('2026-11-30T00:00:00Z');
  const connection = { refreshable: true, refreshExpiresAt: null, lastRefreshedAt, linkedAt };

  it("is the provider's value, if there is one", () => {
    expect(refreshExpiry({ ...connection, refreshExpiresAt: future }, definition)).toEqual({
      at: future,
      source: 'provider',
    });
  });

  it('counts the published lifetime from the last refresh, or from the link', () => {
    expect(refreshExpiry(connection, definition)).toEqual({
      at: new Date('2026-11-30T01:00:00Z'),
      source: 'declared',
    });
    expect(refreshExpiry({ ...connection, lastRefreshedAt: null }, definition)?.at).toEqual(
      new Date('2026-11-01T01:00:00Z'),
    );
  });

  it('is not known where nothing is published, and where there is no refresh token', () => {
    expect(refreshExpiry(connection, exampleOAuth2)).toBeUndefined();
    expect(refreshExpiry(connection, undefined)).toBeUndefined();
    expect(refreshExpiry({ ...connection, refreshable: false }, definition)).toBeUndefined();
  });
});
