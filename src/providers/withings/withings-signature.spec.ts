import { describe, expect, it } from '@jest/globals';
import { withingsSignature } from './withings-signature.js';

describe('withingsSignature', () => {
  it('is the HMAC-SHA256 of the values, in the order of their names and joined by commas, in hexadecimal', () => {
    // printf 'getnonce,client,1700000000' | openssl dgst -sha256 -hmac 'not-a-real-secret'
    const expected = 'f3fd5c0bbe42b4f4ce9f8164c93a3527e5599a3aa89b8a1b85c680502ce387c8';
    const parameters = { timestamp: '1700000000', client_id: 'client', action: 'getnonce' };
    expect(withingsSignature(parameters, 'not-a-real-secret')).toBe(expected);
  });

  it('depends on every value and on the secret', () => {
    const parameters = { action: 'revoke', client_id: 'client', nonce: 'nonce' };
    const signatures = [
      withingsSignature(parameters, 'not-a-real-secret'),
      withingsSignature(parameters, 'another-secret'),
      ...Object.keys(parameters).map((name) =>
        withingsSignature({ ...parameters, [name]: 'changed' }, 'not-a-real-secret'),
      ),
    ];
    expect(new Set(signatures).size).toBe(signatures.length);
  });
});
