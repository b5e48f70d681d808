import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { passedToCaller, passedToProvider } from './passed-headers.js';

/** Names that the page for callers lists in a row of its table. */
function documented(row: string): string[] {
  const page = readFileSync(new URL('../../docs/calling-providers.md', import.meta.url), 'utf8');
  const cell = new RegExp(`^\\| ${row} \\| (.*) \\|$`, 'm').exec(page)?.[1] ?? '';
  expect(cell).not.toBe('');
  const names = [...cell.matchAll(/`([a-z][a-z-]+)`/g)].map((match) => match[1] ?? '');
  return names.filter((name) => !['ratelimit', 'rate-limit'].includes(name)).sort();
}

/** Every header that anybody could ask for, with its name as its value. */
const anyHeader = new Proxy<Record<string, string>>({}, { get: (_, name) => String(name) });

/** Headers that responses have, written down apart from the code. */
const received = [
  ...[
    'accept-ranges',
    'content-disposition',
    'content-language',
    'content-range',
    'content-type',
    'etag',
    'last-modified',
  ],
  ...['link', 'location', 'retry-after', 'age', 'allow', 'alt-svc', 'cache-control', 'clear-site-data', 'connection'],
  ...[
    'content-encoding',
    'content-length',
    'content-location',
    'content-security-policy',
    'cufflink-answer-from',
    'date',
  ],
  ...['access-control-allow-origin', 'expires', 'pragma', 'proxy-authenticate', 'refresh', 'server', 'server-timing'],
  ...['set-cookie', 'strict-transport-security', 'trailer', 'transfer-encoding', 'upgrade', 'vary', 'via', 'warning'],
  ...['www-authenticate', 'x-frame-options', 'x-powered-by', 'x-request-id', 'constructor', '__proto__'],
];

describe('the headers that are passed on', () => {
  it('to a provider are those that are documented', () => {
    expect(Object.keys(passedToProvider(anyHeader, [])).sort()).toEqual(documented('request headers'));
  });

  it('to a provider are also those that it wants, however they are written', () => {
    expect(passedToProvider({ 'x-key': ['a', 'b'] }, ['X-Key'])).toEqual({ 'x-key': 'a, b' });
  });

  it('to a provider are none that Connection names (RFC 9110 section 7.6.1)', () => {
    const headers = { connection: 'close, Accept ,prefer', accept: 'a/b', prefer: 'c', range: 'd' };
    expect(passedToProvider(headers, [])).toEqual({ range: 'd' });
    expect(passedToProvider({ 'x-key': 'a', connection: 'X-Key' }, ['X-Key'])).toEqual({});
  });

  it.each(['\xe4', '\xff', '\0', '\x7f', 'text/h\xa0tml'])('to a provider are ASCII: %j is refused', (value) => {
    expect(() => passedToProvider({ accept: value }, [])).toThrow(/^The header accept must be ASCII/);
    expect(() => passedToProvider({ 'x-key': ['a', value] }, ['X-Key'])).toThrow(/^The header x-key must be ASCII/);
    expect(passedToProvider({ 'x-other': value }, [])).toEqual({});
  });

  it('to a caller are none that Connection names (RFC 9110 section 7.6.1)', () => {
    const headers = { connection: 'close, X-RateLimit-Limit', 'x-ratelimit-limit': '1', etag: '"a"' };
    expect(passedToCaller(headers)).toEqual({ etag: '"a"' });
  });

  it('to a caller are those that are documented', () => {
    expect(Object.keys(passedToCaller(Object.fromEntries(received.map((name) => [name, name])))).sort()).toEqual(
      documented('response headers'),
    );
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
