import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { oauth1Nonce, signatureBaseString, signOAuth1Request, type OAuth1SigningRequest } from './oauth1-signature.js';
import { formBody, formDecode, formEncode, percentEncode } from '../http/percent-encoding.js';

describe('percent-encoding (O1-02)', () => {
  it.each([
    ['abcXYZ019-._~', 'abcXYZ019-._~'],
    ["!*'()", '%21%2A%27%28%29'],
    ['%', '%25'],
    ['%25', '%2525'],
    [' ', '%20'],
    ['+', '%2B'],
    ['&=/?;:@', '%26%3D%2F%3F%3B%3A%40'],
    ['"<>\\^`{|}#[]$,', '%22%3C%3E%5C%5E%60%7B%7C%7D%23%5B%5D%24%2C'],
    ['\u0000\n\u007f', '%00%0A%7F'],
    ['é', '%C3%A9'],
    ['☃', '%E2%98%83'],
    ['💚', '%F0%9F%92%9A'],
    ['\ud800', '%EF%BF%BD'],
  ])('encodes %j as %s', (text, encoded) => {
    expect(percentEncode(text)).toBe(encoded);
  });

  it('encodes bytes as they are', () => {
    expect(percentEncode(Buffer.from([0xff, 0x41, 0x0a]))).toBe('%FFA%0A');
  });

  it('decodes a form component byte by byte and keeps a broken escape', () => {
    expect(formDecode('a+b%20c%2B')).toEqual(Buffer.from('a b c+'));
    expect(formDecode('%ff%c3%BC')).toEqual(Buffer.from([0xff, 0xc3, 0xbc]));
    expect(formDecode('100%&%4')).toEqual(Buffer.from('100%&%4'));
    expect(formDecode('ü')).toEqual(Buffer.from('ü'));
  });

  it('encodes forms as RFC 6749 appendix B does', () => {
    expect(formEncode(' %&+£€')).toBe('+%25%26%2B%C2%A3%E2%82%AC');
    expect(formBody({ b: '1 2', a: undefined, c: '&=' })).toBe('b=1+2&c=%26%3D');
  });

  it('is undone by decodeURIComponent for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = percentEncode(text);
        expect(encoded).toMatch(/^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/);
        expect(decodeURIComponent(encoded)).toBe(text);
      }),
      { seed: 20261122 },
    );
  });
});

describe('signature base string (O1-01)', () => {
  const none = { method: 'GET', oauthParams: {} };

  it('equals the example of RFC 5849 section 3.4.1.1', () => {
    const base = signatureBaseString({
      method: 'POST',
      url: 'http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b',
      formBody: 'c2&a3=2+q',
      oauthParams: {
        realm: 'Example',
        oauth_consumer_key: '9djdj82h48djs9d2',
        oauth_token: 'kkk9d7dh3k39sjv7',
        oauth_signature_method: 'HMAC-SHA1',
        oauth_timestamp: '137131201',
        oauth_nonce: '7d8f3e4a',
        oauth_signature: 'bYT5CMsGcbgUdFHObYMEfcx6bsw=',
      },
    });
    expect(base).toBe(
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D' +
        '%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1' +
        '%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it.each([
    ['a plus sign, which is a space', 'a=r+b', 'a%3Dr%2520b'],
    ['a name that sorts by its encoding', 'c%40=&a=1', 'a%3D1%26c%2540%3D'],
    ['names that begin alike, where the shorter one comes first', 'a1=1&a=1&a%2Bx=2', 'a%3D1%26a%252Bx%3D2%26a1%3D1'],
    ['empty values', 'b=&a=', 'a%3D%26b%3D'],
    ['a repeated name, sorted by value as text', 'a=2&a=10&a=1&a=1', 'a%3D1%26a%3D1%26a%3D10%26a%3D2'],
    ['values that sort by their encoding', 'a=%7E&a=z&a=%C3%BC&a=_', 'a%3D%25C3%25BC%26a%3D_%26a%3Dz%26a%3D~'],
    ['UTF-8 in lower-case hexadecimal', 'n=%c3%bc', 'n%3D%25C3%25BC'],
    ['unescaped characters outside ASCII', 'n=ü💚', 'n%3D%25C3%25BC%25F0%259F%2592%259A'],
    ["reserved characters !*'() left unescaped", "q=!*'()", 'q%3D%2521%252A%2527%2528%2529'],
    ['a tilde, escaped and not', 'a=~&b=%7e', 'a%3D~%26b%3D~'],
    ['an escaped percent sign', 'a=%25&b=%2525', 'a%3D%2525%26b%3D%252525'],
    ['slashes, escaped and not', 'a=%2F&b=/', 'a%3D%252F%26b%3D%252F'],
    ['a semicolon, which separates nothing', 'a=1;b=2', 'a%3D1%253Bb%253D2'],
    ['a name without =', 'b&a=1', 'a%3D1%26b%3D'],
    ['an = in a value', 'a=b=c', 'a%3Db%253Dc'],
    ['unsorted names in both cases', 'z=1&b=2&B=3&_=4&1=5', '1%3D5%26B%3D3%26_%3D4%26b%3D2%26z%3D1'],
    ['empty pairs', '&a=1&&b=2&', 'a%3D1%26b%3D2'],
    ['an escaped plus sign', 'a=1%2B1', 'a%3D1%252B1'],
    ['bytes that are no UTF-8', 'a=%FF%fe', 'a%3D%25FF%25FE'],
    ['a percent sign that escapes nothing', 'a=100%&b=%zz', 'a%3D100%2525%26b%3D%2525zz'],
    ['no query', '', ''],
  ])('takes a query with %s', (_, query, expected) => {
    const base = signatureBaseString({ ...none, url: `http://example.com/r?${query}` });
    expect(base).toBe(`GET&http%3A%2F%2Fexample.com%2Fr&${expected}`);
  });

  it.each([
    ['http://EXAMPLE.com:80/r%20v/X?id=123', 'http%3A%2F%2Fexample.com%2Fr%2520v%2FX'],
    ['HTTPS://Example.COM:443/', 'https%3A%2F%2Fexample.com%2F'],
    ['https://www.example.net:8080/?q=1', 'https%3A%2F%2Fwww.example.net%3A8080%2F'],
    ['https://example.com:80/a', 'https%3A%2F%2Fexample.com%3A80%2Fa'],
    ['https://example.com', 'https%3A%2F%2Fexample.com%2F'],
    ['https://example.com/a%2Fb/%7Ec', 'https%3A%2F%2Fexample.com%2Fa%252Fb%2F%257Ec'],
    ['https://example.com/a#fragment', 'https%3A%2F%2Fexample.com%2Fa'],
  ])('reduces %s to its base URI', (url, expected) => {
    expect(signatureBaseString({ ...none, url }).split('&')[1]).toBe(expected);
  });

  it('writes the method in upper case', () => {
    expect(signatureBaseString({ ...none, method: 'delete', url: 'https://example.com/' })).toMatch(/^DELETE&/);
  });

  it('keeps a realm of the query and drops an oauth_signature wherever it is', () => {
    const base = signatureBaseString({
      method: 'POST',
      url: 'https://example.com/?realm=r&oauth_signature=q',
      formBody: 'oauth_signature=b&x=1',
      oauthParams: { realm: 'header', oauth_signature: 'h', oauth_nonce: 'n' },
    });
    expect(base).toBe('POST&https%3A%2F%2Fexample.com%2F&oauth_nonce%3Dn%26realm%3Dr%26x%3D1');
  });

  it('does not quote a malformed URL', () => {
    expect(() => signatureBaseString({ ...none, url: 'canary-not-a-url' })).toThrow(
      /^The URL of a request to sign is malformed\.$/,
    );
  });
});

describe('OAuth 1.0a signature', () => {
  const printer = {
    clientId: 'dpf43f3p2l4k3l03',
    clientSecret: 'kd94hf93k423kf44',
    signatureMethod: 'HMAC-SHA1',
    realm: 'Photos',
  } as const;

  it('equals the initiate request of RFC 5849 section 1.2', () => {
    const header = signOAuth1Request({
      ...printer,
      method: 'POST',
      url: 'https://photos.example.net/initiate',
      timestampSeconds: 137131200,
      nonce: 'wIjqoS',
      extraOAuthParams: { oauth_callback: 'http://printer.example.com/ready' },
    });
    expect(header).toBe(
      'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_signature_method="HMAC-SHA1", ' +
        'oauth_timestamp="137131200", oauth_nonce="wIjqoS", oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready", ' +
        'oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"',
    );
  });

  it('equals the token request of RFC 5849 section 1.2', () => {
    const header = signOAuth1Request({
      ...printer,
      method: 'POST',
      url: 'https://photos.example.net/token',
      token: 'hh5s93j4hdidpola',
      tokenSecret: 'hdhd0244k9j7ao03',
      timestampSeconds: 137131201,
      nonce: 'walatlh',
      extraOAuthParams: { oauth_verifier: 'hfdp7dh39dks9884' },
    });
    expect(header).toContain('oauth_token="hh5s93j4hdidpola"');
    expect(header).toContain('oauth_verifier="hfdp7dh39dks9884"');
    expect(header).toContain('oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"');
  });

  it('equals the photos request of RFC 5849 section 1.2', () => {
    const header = signOAuth1Request({
      ...printer,
      method: 'GET',
      url: 'http://photos.example.net/photos?file=vacation.jpg&size=original',
      token: 'nnch734d00sl2jdk',
      tokenSecret: 'pfkkdhi9sl3r4s00',
      timestampSeconds: 137131202,
      nonce: 'chapoH',
    });
    expect(header).toContain('oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"');
  });

  it('refuses a timestamp that is no positive integer', () => {
    for (const timestampSeconds of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() =>
        signOAuth1Request({ ...printer, method: 'GET', url: 'https://a.example/', timestampSeconds, nonce: 'n' }),
      ).toThrow(RangeError);
    }
  });

  it('is accepted by an independent verifier for any query, form body and credentials (O1-01)', () => {
    fc.assert(
      fc.property(signingRequest, (request) => {
        expect(isSignedCorrectly(request, signOAuth1Request(request))).toBe(true);
      }),
      { seed: 20261122, numRuns: 1000 },
    );
  });

  it('changes with every part of the request', () => {
    fc.assert(
      fc.property(signingRequest, fc.nat(), (request, index) => {
        const changes: readonly Partial<OAuth1SigningRequest>[] = [
          { method: `${request.method}X` },
          { url: request.url.replace('/path', '/other') },
          { url: `${request.url}&added=1` },
          { formBody: `${request.formBody}&added=1` },
          { clientId: `${request.clientId}x` },
          { clientSecret: `${request.clientSecret}x` },
          { token: `${request.token}x` },
          { tokenSecret: `${request.tokenSecret}x` },
          { signatureMethod: request.signatureMethod === 'HMAC-SHA1' ? 'HMAC-SHA256' : 'HMAC-SHA1' },
          { timestampSeconds: request.timestampSeconds + 1 },
          { nonce: `${request.nonce}x` },
          { extraOAuthParams: { ...request.extraOAuthParams, oauth_verifier: 'changed' } },
        ];
        const changed = { ...request, ...changes[index % changes.length] };
        expect(signatureOf(signOAuth1Request(changed))).not.toBe(signatureOf(signOAuth1Request(request)));
      }),
      { seed: 20261122, numRuns: 1000 },
    );
  });
});

describe('nonce (O1-03)', () => {
  it('has at least 128 bits and does not repeat in 10 000', () => {
    const nonces = Array.from({ length: 10_000 }, oauth1Nonce);
    expect(new Set(nonces).size).toBe(10_000);
    for (const nonce of nonces) {
      expect(nonce).toMatch(/^[0-9a-f]{32,}$/);
    }
  });

  it('spreads over all hexadecimal digits', () => {
    const digits = Array.from({ length: 1000 }, oauth1Nonce).join('');
    for (const digit of '0123456789abcdef') {
      const share = digits.split(digit).length / digits.length;
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.075);
    }
  });
});

/** Text in several spellings: escaped fully, as browsers do, with `+`, in lower-case hexadecimal, or hardly at all. */
const component = fc
  .tuple(
    fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'a', 'a+x', '~', "!*'()", '%', '/;:@')),
    fc.nat(3),
  )
  .map(([text, spelling]) => {
    const browser = new URLSearchParams([['', text]]).toString().slice(1);
    const spellings = [
      percentEncode(text),
      browser,
      browser.toLowerCase().replaceAll('%20', '+'),
      text.replace(/[\s%&=#+?]|[^\x20-\x7e]/gu, (character) => encodeURIComponent(character)),
    ];
    return spellings[spelling] ?? '';
  });
const form = fc
  .array(
    fc.oneof(
      fc.tuple(component, component).map((pair) => pair.join('=')),
      component,
    ),
    { maxLength: 6 },
  )
  .map((pairs) => pairs.join('&'));
const signingRequest = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  url: form.map((query) => `https://api.example:8443/path%20one/?${query}`),
  formBody: form,
  clientId: fc.string({ minLength: 1 }),
  clientSecret: fc.string(),
  token: fc.string({ minLength: 1 }),
  tokenSecret: fc.string(),
  signatureMethod: fc.constantFrom('HMAC-SHA1', 'HMAC-SHA256'),
  extraOAuthParams: fc.record({ oauth_verifier: fc.string({ unit: 'grapheme' }), oauth_version: fc.constant('1.0') }),
  timestampSeconds: fc.integer({ min: 1, max: 4_000_000_000 }),
  nonce: fc.string({ minLength: 1 }),
});

function signatureOf(header: string): string {
  return /oauth_signature="([^"]*)"/.exec(header)?.[1] ?? '';
}

/**
 * A server's view, written from RFC 5849 section 3.4.1 and 3.2 without the code under test: it reads the header,
 * collects bytes as hexadecimal, sorts buffers and signs again.
 */
function isSignedCorrectly(request: OAuth1SigningRequest, header: string): boolean {
  const unescape = (text: string): Buffer => {
    const bytes: number[] = [];
    const source = Buffer.from(text);
    for (let index = 0; index < source.length; index += 1) {
      const hex = source.subarray(index + 1, index + 3).toString('latin1');
      const byte = source[index] ?? 0;
      if (byte === 0x25 && /^[0-9a-f]{2}$/i.test(hex)) {
        bytes.push(Number(`0x${hex}`));
        index += 2;
      } else {
        bytes.push(byte);
      }
    }
    return Buffer.from(bytes);
  };
  const escape = (bytes: Buffer): string => {
    let escaped = '';
    for (const byte of bytes) {
      const character = String.fromCharCode(byte);
      escaped += /[\w.~-]/.test(character) ? character : `%${byte < 16 ? '0' : ''}${byte.toString(16)}`.toUpperCase();
    }
    return escaped;
  };
  const parameters: { name: Buffer; value: Buffer }[] = [];
  // A client sends ASCII only, as URL serializes it.
  const target = new URL(request.url).search.replace(/^\?/, '');
  for (const piece of `${target}&${request.formBody ?? ''}`.split('&').filter((each) => each.length > 0)) {
    const [name = '', ...rest] = piece.split('=');
    const spaced = [name, rest.join('=')].map((each) => Buffer.from(escape(unescape(each.split('+').join('%20')))));
    parameters.push({ name: spaced[0] ?? Buffer.alloc(0), value: spaced[1] ?? Buffer.alloc(0) });
  }
  let sent = '';
  for (const [, name = '', value = ''] of header.slice('OAuth '.length).matchAll(/([^=", ]+)="([^"]*)"/g)) {
    if (name === 'oauth_signature') {
      sent = unescape(value).toString();
    } else {
      parameters.push({ name: Buffer.from(name), value: Buffer.from(value) });
    }
  }
  parameters.sort((a, b) => Buffer.compare(a.name, b.name) || Buffer.compare(a.value, b.value));
  const normalized = parameters.map(({ name, value }) => `${name.toString()}=${value.toString()}`).join('&');
  const uri = 'https://api.example:8443/path%20one/';
  const text = `${request.method}&${escape(Buffer.from(uri))}&${escape(Buffer.from(normalized))}`;
  const key = [request.clientSecret, request.tokenSecret ?? ''].map((secret) => escape(Buffer.from(secret))).join('&');
  const algorithm = header.includes('oauth_signature_method="HMAC-SHA256"') ? 'sha256' : 'sha1';
  return sent !== '' && sent === createHmac(algorithm, key).update(text).digest('base64');
}
