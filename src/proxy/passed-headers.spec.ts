import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { passedToCaller, passedToProvider } from './passed-headers.js';

/** Names that the page for callers lists in a row of its table. */
function documented(row: string): string[] {
  const page = readFileSync(new URL('../../docs/calling-makers.md', import.meta.url), 'utf8');
  const cell = new RegExp(`^\\| ${row} \\| (.*) \\|$`, 'm').exec(page)?.[1] ?? '';
  expect(cell).not.toBe('');
  const names = [...cell.matchAll(/`([a-z][a-z-]+)`/g)].map((match) => match[1] ?? '');
  return names.filter((name) => !['ratelimit', 'rate-limit'].includes(name)).sort();
}

/** Headers of all kinds, with themselves as values. */
const headers = Object.fromEntries(
  [
    ...documented('request headers'),
    ...documented('answer headers'),
    ...[
      'authorization',
      'proxy-authorization',
      'cookie',
      'set-cookie',
      'host',
      'connection',
      'transfer-encoding',
      'te',
      'upgrade',
    ],
    ...[
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-real-ip',
      'via',
      'origin',
      'referer',
      'user-agent',
      'accept-encoding',
    ],
    ...[
      'content-length',
      'www-authenticate',
      'cache-control',
      'content-security-policy',
      'access-control-allow-origin',
    ],
    ...['x-http-method-override', 'x-request-id', 'cufflink-answer-from', 'constructor', '__proto__', 'x-anything'],
  ].map((name) => [name, name]),
);

describe('the headers that are passed on', () => {
  it('to a provider are those that are documented', () => {
    expect(Object.keys(passedToProvider(headers, [])).sort()).toEqual(documented('request headers'));
  });

  it('to a provider are also those that it wants, however they are written', () => {
    expect(passedToProvider({ 'x-key': ['a', 'b'] }, ['X-Key'])).toEqual({ 'x-key': 'a, b' });
  });

  it('to a caller are those that are documented', () => {
    expect(Object.keys(passedToCaller(headers)).sort()).toEqual(documented('answer headers'));
  });

  it.each([
    'x-ratelimit-limit',
    'ratelimit',
    'x-rate-limit-reset',
    'fitbit-rate-limit-remaining',
    'x-readratelimit-usage',
  ])('to a caller tell of rate limits: %s', (name) => {
    expect(passedToCaller({ [name]: '1' })).toEqual({ [name]: '1' });
  });
});
