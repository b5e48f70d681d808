import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { apiUrl, targetBelow } from './api-url.js';

const bases = [
  'https://api.provider.example/v1',
  'https://api.provider.example',
  'https://api.provider.example:8443/a%20b/c/',
];
const refused = expect.objectContaining({ code: 'REQUEST_INVALID' }) as unknown;

/** Returns the URL of a target, or `undefined` if the target is refused. Any other error is a mistake. */
function outcome(base: string, target: string): string | undefined {
  try {
    return apiUrl(base, target);
  } catch (error) {
    expect(error).toEqual(refused);
    return undefined;
  }
}

/** A path as the most lenient server may come to see it. */
function asServersReadIt(path: string): string[] {
  const seen = [path];
  for (let depth = 0; depth < 6; depth += 1) {
    seen.push(unescape(seen.at(-1) ?? '').replaceAll('\\', '/'));
  }
  return seen;
}

function unescape(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function leadsUp(path: string): boolean {
  return path.split('/').some((segment) => /^\.{1,2}([;?#].*)?$/s.test(segment));
}

const nasty = [
  ...['..', '.', '...', '/', '//', '\\', '@', '#', '?', ':', ';', '%', '&', '=', '+', '$', "'", '"', '<', '|'],
  ...[
    '%2e',
    '%2E',
    '%2f',
    '%2F',
    '%5c',
    '%5C',
    '%25',
    '%2',
    '%40',
    '%23',
    '%3f',
    '%3b',
    '%32',
    '%65',
    '%00',
    '%0d%0a',
    '%7f',
    '%20',
    '%c3%bc',
  ],
  ...[
    'evil.example',
    'http://evil.example',
    'user:password@',
    'users',
    'v1',
    'a',
    '\u2024',
    '\uff0f',
    'ü',
    '\t',
    '\r\n',
    '\0',
    ' ',
  ],
];
/** The pieces of escapes that are escaped once more. */
const escapes = ['%25', '%32', '%65', '%66', '%3b', '2', 'e', '.', '/', 'a'];
const target = fc.oneof(
  fc.array(fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 3 })), { maxLength: 8 }),
  fc.array(fc.constantFrom(...escapes), { maxLength: 6 }),
);

describe('the URL of a call', () => {
  it.each([
    ['cycle', 'https://api.provider.example/v1/cycle'],
    ['', 'https://api.provider.example/v1/'],
    ['%E4%BD%93+%C2%BD/%EF%AC%81/%E2%91%A0', 'https://api.provider.example/v1/%E4%BD%93+%C2%BD/%EF%AC%81/%E2%91%A0'],
    ['a/b/', 'https://api.provider.example/v1/a/b/'],
    ['Patient/$everything', 'https://api.provider.example/v1/Patient/$everything'],
    ["users/me:sync/(x)!*'~_-.a..b/...", "https://api.provider.example/v1/users/me:sync/(x)!*'~_-.a..b/..."],
    ['a%20b/%c3%bc/%40/100%25', 'https://api.provider.example/v1/a%20b/%c3%bc/%40/100%25'],
    ['a?', 'https://api.provider.example/v1/a?'],
    ['?x=1', 'https://api.provider.example/v1/?x=1'],
    [
      'a?b=../..//%2e%2e@?&c=a+b&c=%2F|[]{}`^',
      'https://api.provider.example/v1/a?b=../..//%2e%2e@?&c=a+b&c=%2F|[]{}`^',
    ],
    [`a?b='"<>`, 'https://api.provider.example/v1/a?b=%27%22%3C%3E'],
  ])('is the base URL and what came: %s', (path, url) => {
    // The parser drops an empty query.
    expect([url, url.replace(/\?$/, '')]).toContain(apiUrl('https://api.provider.example/v1', path));
  });

  it('takes a base URL with a slash at its end, a port and a default port', () => {
    expect(apiUrl('https://api.provider.example:8443/v1/', 'a')).toBe('https://api.provider.example:8443/v1/a');
    expect(apiUrl('https://API.provider.example:443', 'a')).toBe('https://api.provider.example/a');
  });

  it.each([
    ...['..', '../', '../v2/a', 'a/..', 'a/../b', '.', './a', 'a/.', '..;/a', '..;x=1/a', '.;/a'],
    ...['%2e%2e', '%2E%2E/a', '.%2e/a', 'a/%2e/b', '%252e%252e/a', '%25252e/a', 'x%2ey'],
    ...['%252%65%252%65%252%66x', '%25%32%65%25%32%65%25%32%66x', '%32%65', 'a%3%30b', '%2%45'],
    ...['..%3b/x', 'a/..%3f', 'a/..%23', '.%3B', 'a/..%253b/x', '..%20/a', '.%41'],
    ...['/a', '//evil.example', '///evil.example', 'a//b', 'a///', '/'],
    ...['\\evil.example', 'a\\..\\b', '%5c..%5c', '%255c', 'a%2fb', 'a%2F..%2Fb', '%252f'],
    ...['@evil.example', 'user:password@evil.example/a', 'a#b', '#', 'a?b#c', 'a?#'],
    ...[
      'a%00',
      'a%0d%0aHost:%20evil.example',
      'a%0A',
      'a%1f',
      'a%7F',
      'a\tb',
      '\ta',
      'a\r\nb',
      'a\0',
      'a b',
      'ü',
      'a?ü',
      'a?b c',
    ],
    // Characters that become a dot, a slash or the like in compatibility form (NFKC).
    ...['%EF%BC%8E%EF%BC%8E/x', '%E2%80%A5/x', 'a%EF%BC%8Fb', '%E2%80%A4%E2%80%A4/x', 'a%EF%BC%BCb', '%E2%84%80'],
    ...['%25EF%25BC%258E/x', '%2525E2%252580%2525A5/x', '%25%20%25EF%25BC%258E', 'a%EF%BC%9Bb', 'a%EF%BC%A0b'],
    ...['%c0%ae%c0%ae/a', 'a%c0%afb', '%e0%80%ae', '%ff'],
    ...['%', 'a%2', '%zz', 'a[0]', 'a|b', 'a^b', 'a`b', 'a{b}', 'a"b', 'a<b'],
  ])('is not made of %j (TE-12, NET-05)', (path) => {
    for (const base of bases) {
      expect(() => apiUrl(base, path)).toThrow(refused);
    }
  });

  it('stays below the base on its host, for any input (TE-12)', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.constantFrom(...bases), target, (base, parts) => {
        const text = parts.join('');
        const url = outcome(base, text);
        if (url === undefined) {
          return;
        }
        taken += 1;
        const { origin, pathname, username, password, hash } = new URL(url);
        const root = new URL(`${base.replace(/\/$/, '')}/`);
        expect({ origin, username, password, hash }).toEqual({
          origin: root.origin,
          username: '',
          password: '',
          hash: '',
        });
        expect(pathname).toBe(root.pathname + (text.split('?', 1)[0] ?? ''));
        expect(new URL(url).href).toBe(url);
        expect(asServersReadIt(pathname).filter(leadsUp)).toEqual([]);
      }),
      { seed: 20261123, numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });

  it('would leave the base, and its host, without that (TE-12)', () => {
    const base = 'https://api.provider.example/v1/';
    expect(new URL('../v2/a', base).href).toBe('https://api.provider.example/v2/a');
    expect(new URL(`${base}%2e%2e/v2/a`).href).toBe('https://api.provider.example/v2/a');
    expect(new URL(`${base}a\\..\\..\\v2`).href).toBe('https://api.provider.example/v2');
    expect(new URL('//evil.example/a', base).href).toBe('https://evil.example/a');
    expect(new URL('\\\\evil.example/a', base).host).toBe('evil.example');
    expect(new URL(`https://api.provider.example${'@evil.example/a'}`).host).toBe('evil.example');
    expect(new URL(`${base}a\r\n/../../b`).href).toBe('https://api.provider.example/b');
  });

  it.each([
    'access_token=x',
    'a=1&access_token=x',
    'ACCESS_TOKEN=x',
    'access%5Ftoken=x',
    '%61ccess_token=',
    'access_token',
    'oauth_token=x',
    'oauth_signature=x',
    'oauth_anything=x',
    'refresh_token=x',
    'client_secret=x',
  ])('carries no credentials: ?%s (TE-02)', (query) => {
    const target = `a?${query}`;
    expect(outcome('https://api.provider.example/v1', target)).toBeUndefined();
    expect(() => apiUrl('https://api.provider.example/v1', target)).toThrow(
      /The query must not carry "\w*[a-z]\w*": Cufflink adds the token/i,
    );
  });

  it('may have parameters that only look like credentials', () => {
    for (const query of ['token_type=x', 'my_access_token=x', 'a=access_token', 'oauth=1', 'author_id=1']) {
      expect(apiUrl('https://api.provider.example/v1', `a?${query}`)).toBe(
        `https://api.provider.example/v1/a?${query}`,
      );
    }
  });
});

describe('the target of a URL', () => {
  it('is the part after the base URL', () => {
    expect(targetBelow('https://api.provider.example/v1/', 'https://api.provider.example/v1/a?b=1')).toBe('a?b=1');
  });

  it.each([
    'https://api.provider.example/v1',
    'https://api.provider.example/v1?a=1',
    'https://api.provider.example/v2/a',
    'https://api.provider.example/v10/a',
    'http://api.provider.example/v1/a',
    'https://api.provider.example:8443/v1/a',
    'https://api.provider.example.evil.example/v1/a',
    'https://user@api.provider.example/v1/a',
    '//api.provider.example/v1/a',
    'javascript:alert(1)',
    '',
  ])('is refused with another URL: %s (NET-05, TE-12)', (url) => {
    expect(() => targetBelow('https://api.provider.example/v1', url)).toThrow(refused);
  });
});
