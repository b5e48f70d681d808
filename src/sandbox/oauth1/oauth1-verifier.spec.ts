import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  OAuth1Verifier,
  type ParameterPlace,
  parseAuthorization,
  signatureBaseString,
  type SignedRequest,
} from './oauth1-verifier.js';

const photos = {
  scheme: 'https',
  host: 'photos.example.net',
  contentType: undefined,
  body: '',
};

const secrets = {
  findClientSecret: (key: string) => (key === 'dpf43f3p2l4k3l03' ? 'kd94hf93k423kf44' : undefined),
  findTokenSecret: (token: string) =>
    ({ hh5s93j4hdidpola: 'hdhd0244k9j7ao03', nnch734d00sl2jdk: 'pfkkdhi9sl3r4s00' })[token],
};

const initiate: SignedRequest = {
  ...photos,
  method: 'POST',
  target: '/initiate',
  authorization:
    'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_signature_method="HMAC-SHA1", ' +
    'oauth_timestamp="137131200", oauth_nonce="wIjqoS", ' +
    'oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready", oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"',
};

const token: SignedRequest = {
  ...photos,
  method: 'POST',
  target: '/token',
  authorization:
    'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola", ' +
    'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="walatlh", ' +
    'oauth_verifier="hfdp7dh39dks9884", oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"',
};

const resource: SignedRequest = {
  ...photos,
  scheme: 'http',
  method: 'GET',
  target: '/photos?file=vacation.jpg&size=original',
  authorization:
    'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", ' +
    'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH", ' +
    'oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"',
};

const baseStringExample: SignedRequest = {
  method: 'POST',
  scheme: 'http',
  host: 'EXAMPLE.COM:80',
  target: '/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b',
  authorization:
    'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", ' +
    'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", ' +
    'oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"',
  contentType: 'application/x-www-form-urlencoded',
  body: 'c2&a3=2+q',
};

const now = (): number => 137_131_200_000;

/** A signature over a base string that the test writes out itself, by the two secrets of the example. */
function signedOver(baseString: string, algorithm = 'sha1', key = 'kd94hf93k423kf44&pfkkdhi9sl3r4s00'): string {
  return encodeURIComponent(createHmac(algorithm, key).update(baseString).digest('base64'));
}

function verify(request: SignedRequest, verifier = new OAuth1Verifier('HMAC-SHA1', now)): ReadonlyMap<string, string> {
  return verifier.verify(request, secrets);
}

/** Changes text in the Authorization header of an example. */
function edited(request: SignedRequest, from: string | RegExp, to: string): SignedRequest {
  return { ...request, authorization: (request.authorization ?? '').replace(from, to) };
}

describe('signature base string', () => {
  it('is that of the worked example of RFC 5849 section 3.4.1.1', () => {
    expect(signatureBaseString(baseStringExample)).toBe(
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26' +
        'oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26' +
        'oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it.each([
    ['https', 'h.test:443', 'https%3A%2F%2Fh.test%2F'],
    ['http', 'h.test:80', 'http%3A%2F%2Fh.test%2F'],
    ['https', 'h.test:80', 'https%3A%2F%2Fh.test%3A80%2F'],
    ['http', '127.0.0.1:8080', 'http%3A%2F%2F127.0.0.1%3A8080%2F'],
  ])('drops the default port only: %s %s', (scheme, host, uri) => {
    const base = signatureBaseString({ ...initiate, scheme, host, target: '/' });
    expect(base.split('&')[1]).toBe(uri);
  });

  it.each([
    ["!*'()", 'v=%21%2A%27%28%29'],
    ['-._~', 'v=-._~'],
    ['a+b', 'v=a%20b'],
    ['a%2bb', 'v=a%2Bb'],
    ['%25', 'v=%25'],
    ['%F0%9F%92%93', 'v=%F0%9F%92%93'],
    ['%e4%bd%a0', 'v=%E4%BD%A0'],
    ['', 'v='],
  ])('decodes and encodes again the query value "%s"', (raw, expected) => {
    const base = signatureBaseString({ ...initiate, target: `/p?v=${raw}` });
    const parameters = decodeURIComponent(base.split('&')[2] ?? '').split('&');
    expect(parameters.at(-1)).toBe(expected);
  });

  it('sorts by encoded name, then by encoded value, and keeps repetitions', () => {
    const base = signatureBaseString({ ...initiate, target: '/p?a=z&a=b&a=b&A=1&a%20=1&a%C3%A4=1&aa=1' });
    const parameters = decodeURIComponent(base.split('&')[2] ?? '').split('&');
    expect(parameters.filter((parameter) => !parameter.startsWith('oauth_'))).toEqual([
      'A=1',
      'a=b',
      'a=b',
      'a=z',
      'a%20=1',
      'a%C3%A4=1',
      'aa=1',
    ]);
  });

  it('leaves a body out that is not a form', () => {
    const body = { contentType: 'application/json', body: 'a=1' };
    expect(signatureBaseString({ ...initiate, ...body })).toBe(signatureBaseString(initiate));
  });
});

describe('Authorization header', () => {
  it('is read with realm left out, names and values decoded', () => {
    expect(parseAuthorization('oauth realm="a, b=c", x%20y="%2B%20"')).toEqual([['x y', '+ ']]);
  });

  it.each([
    [undefined, 'parameter_absent'],
    ['Bearer abc', 'parameter_absent'],
    ['OAuth a=b', 'parameter_rejected'],
    ['OAuth a="b" c="d"', 'parameter_rejected'],
    ['OAuth a="b/c"', 'parameter_rejected'],
    ['OAuth a="%zz"', 'parameter_rejected'],
    ['OAuth a="%ff"', 'parameter_rejected'],
  ])('refuses %s', (header, problem) => {
    expect(() => parseAuthorization(header)).toThrow(expect.objectContaining({ problem }));
  });
});

describe('OAuth1Verifier', () => {
  it.each([
    ['temporary credentials', initiate],
    ['token credentials', token],
    ['a resource', resource],
  ])('accepts the signature of RFC 5849 section 1.2 for %s', (_, request) => {
    expect(verify(request).get('oauth_consumer_key')).toBe('dpf43f3p2l4k3l03');
  });

  it.each([
    ['method', { ...resource, method: 'POST' }],
    ['scheme', { ...resource, scheme: 'https' }],
    ['host', { ...resource, host: 'photos.example.org' }],
    ['path', { ...resource, target: '/Photos?file=vacation.jpg&size=original' }],
    ['query', { ...resource, target: '/photos?file=vacation.jpg&size=original&x=' }],
    ['form body', { ...resource, contentType: 'application/x-www-form-urlencoded', body: 'x=1' }],
    ['signature', edited(resource, 'MdpQ', 'NdpQ')],
    ['length of the signature', edited(resource, 'sui9I%3D', 'sui9I')],
    ['nonce', edited(resource, 'chapoH', 'chapoI')],
    ['callback', edited(initiate, 'ready', 'reedy')],
    ['verifier', edited(token, 'hfdp7', 'hfdp8')],
  ])('refuses another %s than was signed', (_, request) => {
    expect(() => verify(request)).toThrow(expect.objectContaining({ problem: 'signature_invalid' }));
  });

  it('refuses a signature made with the wrong token secret or client secret', () => {
    const verifier = new OAuth1Verifier('HMAC-SHA1', now);
    const wrongToken = { ...secrets, findTokenSecret: () => 'other' };
    const wrongClient = { ...secrets, findClientSecret: () => 'other' };
    for (const wrong of [wrongToken, wrongClient]) {
      expect(() => verifier.verify(resource, wrong)).toThrow(expect.objectContaining({ problem: 'signature_invalid' }));
    }
  });

  it.each(['oauth_consumer_key', 'oauth_signature_method', 'oauth_timestamp', 'oauth_nonce', 'oauth_signature'])(
    'refuses a request without %s',
    (name) => {
      const request = edited(resource, new RegExp(`,? *${name}="[^"]*"`), '');
      const tidy = edited(request, 'OAuth ,', 'OAuth');
      expect(() => verify(tidy)).toThrow(expect.objectContaining({ problem: 'parameter_absent' }));
    },
  );

  it('refuses a protocol parameter that occurs twice, in the header or beside it', () => {
    const twice = edited(resource, 'oauth_nonce="chapoH"', 'oauth_nonce="chapoH", oauth_nonce="chapoH"');
    const query = { ...resource, target: `${resource.target}&oauth_nonce=chapoH` };
    const body = { ...resource, contentType: 'application/x-www-form-urlencoded', body: 'oauth_verifier=1' };
    for (const request of [twice, query, body]) {
      expect(() => verify(request)).toThrow(expect.objectContaining({ problem: 'parameter_rejected' }));
    }
  });

  it('refuses a query or form body that cannot be decoded', () => {
    const query = { ...resource, target: '/photos?file=%' };
    const body = { ...resource, contentType: 'application/x-www-form-urlencoded; charset=utf-8', body: 'a=%ff' };
    for (const request of [query, body]) {
      expect(() => verify(request)).toThrow(expect.objectContaining({ problem: 'parameter_rejected' }));
    }
  });

  it('refuses an unknown client, an unknown token, another method and another version', () => {
    const cases: [SignedRequest, string][] = [
      [edited(resource, 'dpf43f3p2l4k3l03', 'other'), 'consumer_key_unknown'],
      [edited(resource, 'nnch734d00sl2jdk', 'other'), 'token_rejected'],
      [edited(resource, 'HMAC-SHA1', 'PLAINTEXT'), 'signature_method_rejected'],
      [edited(resource, 'oauth_nonce', 'oauth_version="2.0", oauth_nonce'), 'version_rejected'],
    ];
    for (const [request, problem] of cases) {
      expect(() => verify(request)).toThrow(expect.objectContaining({ problem }));
    }
  });

  it('accepts a timestamp up to 300 seconds from its clock, in both directions, and none further away', () => {
    const at = 137_131_202_000;
    for (const offset of [-300_000, 300_000]) {
      expect(() => verify(resource, new OAuth1Verifier('HMAC-SHA1', () => at + offset))).not.toThrow();
    }
    for (const offset of [-301_000, 301_000]) {
      expect(() => verify(resource, new OAuth1Verifier('HMAC-SHA1', () => at + offset))).toThrow(
        expect.objectContaining({ problem: 'timestamp_refused' }),
      );
    }
  });

  it.each(['137131202.0', '-137131202', '0x82C6C82', '1e8', 'now'])('refuses the timestamp %s', (timestamp) => {
    const verifier = new OAuth1Verifier('HMAC-SHA1', () => Number(timestamp) * 1000 || 0);
    expect(() => verify(edited(resource, '137131202', encodeURIComponent(timestamp)), verifier)).toThrow(
      expect.objectContaining({ problem: 'timestamp_refused' }),
    );
  });

  it('refuses a replayed request, and accepts the same nonce with another timestamp', () => {
    const verifier = new OAuth1Verifier('HMAC-SHA1', now);
    const base =
      'GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26' +
      'oauth_nonce%3DchapoH%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131203%26' +
      'oauth_token%3Dnnch734d00sl2jdk%26size%3Doriginal';
    const later = edited(
      edited(resource, '137131202', '137131203'),
      'MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D',
      signedOver(base),
    );
    verify(resource, verifier);
    expect(() => verify(resource, verifier)).toThrow(expect.objectContaining({ problem: 'nonce_used' }));
    expect(() => verify(later, verifier)).not.toThrow();
  });

  it('does not count a nonce as used when the signature was wrong', () => {
    const verifier = new OAuth1Verifier('HMAC-SHA1', now);
    expect(() => verify(edited(resource, 'MdpQ', 'NdpQ'), verifier)).toThrow();
    expect(() => verify(resource, verifier)).not.toThrow();
  });

  it('verifies HMAC-SHA256 where the provider asks for it', () => {
    const base =
      'GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26' +
      'oauth_nonce%3DchapoH%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D137131202%26' +
      'oauth_token%3Dnnch734d00sl2jdk%26size%3Doriginal';
    const request = edited(
      edited(resource, 'HMAC-SHA1', 'HMAC-SHA256'),
      'MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D',
      signedOver(base, 'sha256'),
    );
    expect(() => verify(request, new OAuth1Verifier('HMAC-SHA256', now))).not.toThrow();
    expect(() => verify(request)).toThrow(expect.objectContaining({ problem: 'signature_method_rejected' }));
  });

  describe('of a provider that takes the parameters in another place', () => {
    const parameters =
      'oauth_consumer_key=dpf43f3p2l4k3l03&oauth_nonce=chapoH&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131202&oauth_token=nnch734d00sl2jdk&oauth_signature=MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D';
    const inQuery: SignedRequest = {
      ...resource,
      authorization: undefined,
      target: `${resource.target}&${parameters}`,
    };
    const verifyIn = (place: ParameterPlace, request: SignedRequest): ReadonlyMap<string, string> =>
      new OAuth1Verifier('HMAC-SHA1', now).verify(request, secrets, place);

    it('accepts the signature of RFC 5849 section 1.2, which is the same in each place', () => {
      expect(verifyIn('query', inQuery).get('oauth_token')).toBe('nnch734d00sl2jdk');
    });

    it('refuses the header, a header beside, and a parameter twice', () => {
      const beside = { ...inQuery, authorization: resource.authorization };
      const twice = { ...inQuery, target: `${inQuery.target}&oauth_nonce=chapoH` };
      const form = { ...inQuery, contentType: 'application/x-www-form-urlencoded', body: 'oauth_verifier=1' };
      expect(() => verifyIn('query', resource)).toThrow(expect.objectContaining({ problem: 'parameter_absent' }));
      for (const request of [beside, twice, form]) {
        expect(() => verifyIn('query', request)).toThrow(expect.objectContaining({ problem: 'parameter_rejected' }));
      }
      expect(() => verifyIn('form', inQuery)).toThrow(expect.objectContaining({ problem: 'parameter_absent' }));
    });
  });
});
