import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parseOAuth1ErrorBody, parseOAuth1Problem, parseOAuth1TokenResponse } from './oauth1-response.js';

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('It did not throw.');
}

describe('OAuth 1.0a credentials responses (O1-10)', () => {
  it('reads token, secret, confirmation and further fields', () => {
    const parsed = parseOAuth1TokenResponse(
      'oauth_token=a%2Fb&oauth_token_secret=c%3D&oauth_callback_confirmed=true&user=J+D%C3%BC\n',
    );
    expect(parsed).toMatchObject({ token: 'a/b', tokenSecret: 'c=', callbackConfirmed: true });
    expect(parsed.extras.get('user')).toBe('J Dü');
    expect(parsed.extras.has('oauth_token_secret')).toBe(false);
  });

  it.each<[rest: string, confirmed: boolean]>([
    ['', false],
    ['&oauth_callback_confirmed=false', false],
    ['&oauth_callback_confirmed=', false],
    ['&oauth_callback_confirmed=truely', false],
    ['&oauth_callback_confirmed=0', false],
    ['&oauth_callback_confirmed=true', true],
    ['&oauth_callback_confirmed=True', true],
    ['&oauth_callback_confirmed=1', true],
  ])('reads whether %j confirms the callback: %s (O1-04)', (rest, confirmed) => {
    expect(parseOAuth1TokenResponse(`oauth_token=a&oauth_token_secret=b${rest}`).callbackConfirmed).toBe(confirmed);
  });

  it('takes an empty secret, and a "&" at the end (O1-10)', () => {
    expect(parseOAuth1TokenResponse('oauth_token=a&oauth_token_secret=&')).toMatchObject({
      token: 'a',
      tokenSecret: '',
    });
    expect(parseOAuth1TokenResponse('oauth_token=a&oauth_token_secret=b&\n')).toMatchObject({ tokenSecret: 'b' });
  });

  it.each<[body: string, named: string | undefined]>([
    [
      '<?xml version="1.0" encoding="utf-8" ?>\n<error><code>8</code><message>Invalid signature: x</message></error>',
      'XML error 8',
    ],
    ['<error xmlns="urn:x"><message>canary</message></error>', 'XML error'],
    ['{"error":{"code":2,"message":"Missing required oauth parameter: canary"}}', 'JSON error 2'],
    ['{"error":"canary"}', 'JSON error'],
    ['{"error":{"code":"canary"}}', 'JSON error'],
    ['<?xml version="1.0"?><profile><code>8</code></profile>', undefined],
    ['{"profile":{}}', undefined],
    ['oauth_token=a&oauth_token_secret=b', undefined],
  ])('names the error in %j (O1-10)', (text, named) => {
    expect(parseOAuth1ErrorBody({ body: text })).toBe(named);
  });

  it.each([
    ['nothing', ''],
    ['an HTML page', '<html>canary</html>'],
    ['JSON', '{"oauth_token":"canary","oauth_token_secret":"canary"}'],
    ['no oauth_token', 'oauth_token_secret=canary'],
    ['no oauth_token_secret', 'oauth_token=canary'],
    ['an empty oauth_token', 'oauth_token=&oauth_token_secret=canary'],
    ['oauth_token twice', 'oauth_token=canary&oauth_token=b&oauth_token_secret=c'],
    ['oauth_token twice, once escaped', 'oauth_token=canary&oauth%5Ftoken=b&oauth_token_secret=c'],
    ['another field twice', 'oauth_token=canary&oauth_token_secret=c&x=1&x=2'],
    ['a field without =', 'oauth_token=canary&oauth_token_secret=c&x'],
    ['a field without a name', 'oauth_token=canary&oauth_token_secret=c&=x'],
    ['an empty pair', 'oauth_token=canary&&oauth_token_secret=c'],
    ['two "&" at the end', 'oauth_token=canary&oauth_token_secret=c&&'],
    ['a broken escape', 'oauth_token=canary%2&oauth_token_secret=c'],
    ['bytes that are no UTF-8', 'oauth_token=canary&oauth_token_secret=c&x=%FF'],
    ['a line break in a token', 'oauth_token=canary%0A&oauth_token_secret=c'],
    ['a space in a token', 'oauth_token=canary+x&oauth_token_secret=c'],
    ['a raw line break', 'oauth_token=canary\noauth_token_secret=c'],
    ['a very long run of escapes', `${'%41'.repeat(20_000)}\u0000=canary`],
  ])('refuses %s without quoting it', (_, text) => {
    const error = thrownBy(() => parseOAuth1TokenResponse(text));
    expect(error).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('canary');
  });

  it('reads oauth_problem where it has the shape of a code', () => {
    const inBody = (body: string): string | undefined => parseOAuth1Problem({ headers: {}, body });
    expect(inBody('oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2')).toBe('timestamp_refused');
    expect(inBody('oauth_problem=token%20abc')).toBeUndefined();
    expect(inBody('<html>')).toBeUndefined();

    const inHeader = (header: string): string | undefined =>
      parseOAuth1Problem({ headers: { 'www-authenticate': header }, body: '<html>' });
    expect(inHeader('OAuth realm="x", oauth_problem="timestamp_refused"')).toBe('timestamp_refused');
    expect(inHeader('OAuth realm="x", oauth_problem="token abc"')).toBeUndefined();
    expect(inHeader('Basic oauth_problem="timestamp_refused"')).toBeUndefined();
    expect(inHeader('OAuth realm="x"')).toBeUndefined();
  });
});
