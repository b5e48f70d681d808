import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readCallback } from './callback-parameters.js';

const names = ['state', 'code', 'error', 'denied'];

describe('the reading of a callback', () => {
  it.each([
    ['', {}],
    ['code=a&state=b', { code: 'a', state: 'b' }],
    ['code=a+b%2Bc&state=', { code: 'a b+c' }],
    ['%63ode=a', { code: 'a' }],
    ['code=a=b', { code: 'a=b' }],
    ['&&code=a&', { code: 'a' }],
    ['code=a&code=', { code: 'a' }],
    ['code=a&Code=b&co%64e[]=', { code: 'a' }],
    ['denied', { denied: '' }],
    ['denied=&error&code', { denied: '' }],
    ['access_token=&id_token', {}],
  ])('takes %j as %j (AR-14)', (encoded, parameters) => {
    expect(readCallback(encoded, names)).toEqual({ parameters, refusal: undefined });
  });

  it.each(['access_token=x', 'id_token=%ff', 'access_token[]=x', 'id%5Ftoken=x'])('refuses %j (AR-12)', (encoded) => {
    expect(readCallback(`state=s&${encoded}`, names)).toMatchObject({
      parameters: { state: 's' },
      refusal: { code: 'REQUEST_INVALID', message: expect.not.stringContaining('x&') },
    });
  });

  it.each(['code=1&code=1', 'code[]=1', 'code[0][a]=1', 'code=%00', 'code=%7f', 'code=%', 'code=\uFFFD', 'state=t'])(
    'refuses %j, and keeps the first state (AR-14)',
    (encoded) => {
      const { parameters, refusal } = readCallback(`state=s&${encoded}`, names);
      expect(parameters['state']).toBe('s');
      expect(refusal?.message).toMatch(/The parameter "(code|state)" of the callback is malformed/);
    },
  );

  it('is the same with and without anything that is not used (AR-14)', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((each) => !each.includes('&'));
    const unused = text.filter((each) => !/^(%|\+|state|code|error|denied|access_token|id_token)/i.test(each));
    const used = fc.tuple(fc.constantFrom(...names), text).map((pair) => pair.join('='));
    fc.assert(
      fc.property(fc.array(used), fc.array(fc.tuple(unused, fc.nat(9))), (pairs, extras) => {
        const mixed = [...pairs];
        for (const [extra, at] of extras) {
          mixed.splice(at, 0, extra);
        }
        expect(readCallback(mixed.join('&'), names)).toEqual(readCallback(pairs.join('&'), names));
      }),
      { seed: 20261130 },
    );
  });

  it('reads 64 KiB of any kind (AR-14)', () => {
    for (const unit of ['a&', '&', '%', 'code[', 'state=a&', '=&', '%ff=&']) {
      expect(() => readCallback(unit.repeat(65_536 / unit.length), names)).not.toThrow();
    }
  });
});
