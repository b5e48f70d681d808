import { describe, expect, it } from '@jest/globals';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import { refreshDueInMs } from './refresh-due.js';

const now = new Date('2026-03-01T10:00:00Z');
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const marginMs = 5 * minuteMs;

type Facts = Partial<Omit<OAuth2Definition, 'refresh'>> & { idleSeconds?: number };

/** As far as the schedule reads a definition. */
function definition({ idleSeconds, ...facts }: Facts = {}): OAuth2Definition {
  const refresh = idleSeconds === undefined ? {} : { refreshTokenIdleSeconds: idleSeconds };
  return { oauth: '2.0', refresh, ...facts } as unknown as OAuth2Definition;
}

function dueMs(lives: { access?: number; refresh?: number }, facts: Facts, random: number): number | null {
  const after = (ms: number | undefined) => (ms === undefined ? undefined : new Date(now.getTime() + ms));
  const tokens = { refreshToken: 'r', expiresAt: after(lives.access), refreshExpiresAt: after(lives.refresh) };
  return refreshDueInMs(tokens, definition(facts), marginMs, now, random);
}

describe('refreshDueInMs', () => {
  it.each([
    [0, 8 * hourMs - marginMs],
    [0.5, 7.6 * hourMs - marginMs],
    [1, 7.2 * hourMs - marginMs],
  ])(
    'lets a token of eight hours be due before the margin, spread over a tenth of its life (%s) (R-22)',
    (random, due) => {
      expect(dueMs({ access: 8 * hourMs }, {}, random)).toBe(due);
    },
  );

  it('leaves a token that lives shorter than the margin three quarters of its life', () => {
    expect(dueMs({ access: 4 * minuteMs }, {}, 0)).toBe(3 * minuteMs);
  });

  it('is due now when the token has expired', () => {
    expect(dueMs({ access: -hourMs }, {}, 0.5)).toBe(0);
  });

  it.each([
    ['the idle life of the refresh token', {}, { idleSeconds: 60 * 86_400 }],
    ['the life that the provider told', { refresh: 60 * dayMs }, {}],
    ['the shorter of the two', { refresh: 900 * dayMs }, { idleSeconds: 60 * 86_400 }],
  ])('keeps a refresh token alive by a quarter to a half of %s (R-22)', (_what, lives, facts) => {
    expect(dueMs({ access: 365 * dayMs, ...lives }, facts, 0)).toBe(30 * dayMs);
    expect(dueMs({ access: 365 * dayMs, ...lives }, facts, 0.999)).toBeCloseTo(15 * dayMs, -8);
  });

  it('takes the earlier of expiry and keep-alive', () => {
    expect(dueMs({ access: hourMs }, { idleSeconds: 60 * 86_400 }, 0)).toBe(55 * minuteMs);
  });

  it('keeps a refresh token alive at a provider that wants refreshes on demand only, and does nothing else there (R-22)', () => {
    expect(dueMs({ access: hourMs }, { refreshOnDemandOnly: true }, 0)).toBeNull();
    expect(dueMs({ access: hourMs }, { refreshOnDemandOnly: true, idleSeconds: 20 * 86_400 }, 0)).toBe(10 * dayMs);
  });

  it('keeps the least interval that a provider asks for, spread above it', () => {
    expect(dueMs({ access: hourMs }, { minRefreshIntervalSeconds: 86_400 }, 0)).toBe(dayMs);
    expect(dueMs({ access: hourMs }, { minRefreshIntervalSeconds: 86_400 }, 0.5)).toBe(1.05 * dayMs);
  });

  it('is never due when nothing ends', () => {
    expect(dueMs({}, {}, 0)).toBeNull();
  });

  it('is never due without a refresh token, and for OAuth 1.0a', () => {
    const expiresAt = new Date(now.getTime() + hourMs);
    const tokens = { refreshToken: undefined, expiresAt, refreshExpiresAt: undefined };
    expect(refreshDueInMs(tokens, definition(), marginMs, now, 0)).toBeNull();
    const oauth1 = { oauth: '1.0a' } as unknown as OAuth2Definition;
    expect(refreshDueInMs({ ...tokens, refreshToken: 'r' }, oauth1, marginMs, now, 0)).toBeNull();
  });

  it('spreads connections that were linked at the same moment', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => dueMs({ access: 10 * hourMs }, {}, index / 100) ?? 0);
    const perSixMinutes = Map.groupBy(hundred, (due) => Math.floor(due / (6 * minuteMs)));
    expect(Math.max(...[...perSixMinutes.values()].map((due) => due.length))).toBeLessThanOrEqual(11);
  });
});
