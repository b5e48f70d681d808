import { describe, expect, it } from '@jest/globals';
import { coverTokens } from './covered-tokens.js';

const token = 'AT+evil/canary==0123456789&x<"\\>~.-_';
const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const everyUnicode = (text: string): string =>
  [...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Texts that a provider could write, and how many bytes of the token may stay in each. */
const spellings: readonly (readonly [name: string, text: string])[] = [
  ['as it is', token],
  ['percent-encoded', encodeURIComponent(token)],
  ['percent-encoded in lower case', encodeURIComponent(token).replace(/%../g, (each) => each.toLowerCase())],
  ['percent-encoded twice', encodeURIComponent(encodeURIComponent(token))],
  ['percent-encoded three times', encodeURIComponent(encodeURIComponent(encodeURIComponent(token)))],
  ['percent-encoded altogether', [...token].map((each) => `%${each.charCodeAt(0).toString(16)}`).join('')],
  ['in JSON', json(token)],
  ['in JSON with escaped slashes', json(token).replaceAll('/', '\\/')],
  ['in JSON of .NET', json(token).replaceAll('+', '\\u002B').replaceAll('&', '\\u0026').replaceAll('<', '\\u003C')],
  ['in JSON with every character escaped', everyUnicode(token)],
  ['in JSON within JSON', json(json(token))],
  ['in JSON within JSON within JSON', json(json(json(token).replaceAll('+', '\\u002b')))],
  ['in HTML', html(token)],
  ['in HTML with numbers', token.replaceAll('+', '&#x2B;').replaceAll('/', '&#47;').replaceAll('=', '&#x003d;')],
  ['in HTML with names', token.replaceAll('+', '&plus;').replaceAll('/', '&sol;').replaceAll('=', '&equals;')],
  ['in HTML twice', html(html(token))],
  ['in UTF-16', Buffer.from(token, 'utf16le').toString('latin1')],
  ['in UTF-16 the other way round', Buffer.from(token, 'utf16le').swap16().toString('latin1')],
  ['in base64', base64(token)],
  ['in base64 for URLs', Buffer.from(token).toString('base64url')],
  ['in base64 with its scheme', base64(`Bearer ${token}`)],
  ['in base64 behind one byte', base64(`:${token}`)],
  ['in base64 behind two bytes', base64(`a:${token}:b`)],
  ['in base64 in a URL', encodeURIComponent(base64(token))],
];

const grant = { accessToken: token } as Parameters<typeof coverTokens>[1];

function cover(body: string, headers: Record<string, string> = {}) {
  const response = coverTokens({ status: 401, headers, body: Buffer.from(body, 'latin1') }, grant);
  return { body: response.body.toString('latin1'), headers: response.headers };
}

describe('a token that a provider quotes (TE-02)', () => {
  it.each(spellings)('is covered %s, and nothing else', (name, text) => {
    const before = '{"error":"the token ';
    const after = ' is not valid, %zz &nosuch; \\u00 100%"}';
    const { body, headers } = cover(before + text + after, { warning: before + text });

    expect(body).toHaveLength((before + text + after).length);
    expect(body.startsWith(before)).toBe(true);
    expect(body.endsWith(after)).toBe(true);
    const middle = body.slice(before.length, -after.length);
    // Base64 at the edges mixes bits of the token with those of its neighbours, and the scheme before it stays.
    const edges = name.includes('base64') ? /^[\w+/%=-]{0,14}\*{40,}[\w+/%=-]{0,8}$/ : /^\0?\*+$/;
    expect(middle).toMatch(edges);
    expect(headers['warning']).toBe(body.slice(0, (before + text).length));
  });

  it('is covered wherever it comes, also side by side', () => {
    const { body } = cover(`${token}${token} ${encodeURIComponent(token)},${base64(token)}`);
    expect(body).toMatch(/^\*+ \*+,\*+[\w=]{0,3}$/);
  });

  it('is covered when it is long', () => {
    const accessToken = Array.from({ length: 4_000 }, (_, index) => String.fromCharCode(33 + ((index * 7) % 90))).join(
      '',
    );
    const body = Buffer.from(`"${json(accessToken)}" "${accessToken.slice(0, -1)}"`);
    const { body: covered } = coverTokens({ status: 200, headers: {}, body }, { ...grant, accessToken });
    expect(covered.toString()).toBe(`"${'*'.repeat(json(accessToken).length)}" "${accessToken.slice(0, -1)}"`);
  });

  it('is covered with its secret', () => {
    const tokenSecret = 'secret/of+the-token';
    const body = Buffer.from(`oauth_token_secret=${encodeURIComponent(tokenSecret)}`);
    const { body: covered } = coverTokens({ status: 200, headers: {}, body }, { ...grant, tokenSecret });
    expect(covered.toString()).toBe(`oauth_token_secret=${'*'.repeat(encodeURIComponent(tokenSecret).length)}`);
  });

  it.each([
    ['a part of it', token.slice(0, -1)],
    ['other letters', token.toLowerCase()],
    ['a body that has all bytes', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1')],
    ['nothing', ''],
  ])('is not found in %s', (_what, text) => {
    expect(cover(text).body).toBe(text);
  });

  it.each([
    ['backslashes', '\\'],
    ['percent signs', '%'],
    ['escaped percent signs', '%2525'],
    ['ampersands', '&amp;'],
    ['its beginning', token.slice(0, 10)],
    ['its beginning, escaped', everyUnicode(token.slice(0, 10))],
    ['NUL', '\0'],
  ])('is looked for in a time that grows with the response alone: %s', (_what, piece) => {
    const once = (bytes: number): number => {
      const body = Buffer.from(piece.repeat(Math.ceil(bytes / piece.length)), 'latin1');
      const startedAt = process.cpuUsage();
      coverTokens({ status: 200, headers: {}, body }, grant);
      const { user, system } = process.cpuUsage(startedAt);
      return user + system;
    };
    once(100_000);
    const few = Math.max(once(200_000), 1_000);
    // Sixteen times as many bytes: a search that is not linear takes 256 times as long.
    expect(once(3_200_000)).toBeLessThan(100 * few);
  });
});
