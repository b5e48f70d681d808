import { describe, expect, it } from '@jest/globals';
import { knownSecrets } from '../../redaction/known-secrets.js';
import { shapeOf, shapeOfBody } from './shape.js';

describe('the shape of a response', () => {
  it('has the type and the length of each value, and no value', () => {
    const body = {
      access_token: 'a-very-secret-token',
      expires_in: 3_600,
      ratio: 0.25,
      active: true,
      nothing: null,
      user: { name: 'Ada', devices: [{ id: 1 }, { id: 22 }, { id: 3 }], tags: [] },
    };
    expect(shapeOfBody(JSON.stringify(body))).toEqual({
      access_token: 'string(19)',
      expires_in: 'integer(4)',
      ratio: 'number(4)',
      active: 'boolean',
      nothing: 'null',
      user: {
        name: 'string(3)',
        devices: ['array(3)', { id: 'integer(1)' }, { id: 'integer(2)' }],
        tags: ['array(0)'],
      },
    });
  });

  it.each(['1001', '8f14e45fceea167a5a36dedad4bea254', 'ada@example.com', 'https://x.example/ada', 'Ada Lovelace', ''])(
    'has no key that is no name of a field, such as "%s"',
    (key) => {
      expect(shapeOf({ [key]: { id: 1 } })).toEqual({ [`key(${key.length})`]: { id: 'integer(1)' } });
    },
  );

  it('has no key that is a known token, though it looks like a name', () => {
    const token = 'onlyLettersAreInThisToken';
    expect(shapeOf({ [token]: 1 })).toEqual({ [token]: 'integer(1)' });
    knownSecrets.addToken(token);
    expect(shapeOf({ [token]: 1 })).toEqual({ [`key(${token.length})`]: 'integer(1)' });
  });

  it.each([
    ['', 'empty'],
    ['<p>a secret</p>', 'text(15)'],
    [
      'oauth_token=abc&oauth_token_secret=de%20f',
      { form: { oauth_token: 'string(3)', oauth_token_secret: 'string(4)' } },
    ],
    ['"token"', 'string(5)'],
  ])('is known of %j too', (text, shape) => {
    expect(shapeOfBody(text)).toEqual(shape);
  });

  it('ends at a depth that no documented response has', () => {
    const nested = Array.from({ length: 50 }).reduce<object>((inner) => ({ a: inner }), {});
    expect(JSON.stringify(shapeOf(nested))).toContain('"deeper"');
  });
});
