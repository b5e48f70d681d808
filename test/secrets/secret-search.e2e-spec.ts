import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { encodedForms, SecretSearch } from '../support/secret-search.js';
import { canary } from './support/planted-secrets.js';

describe('the usual redaction by key path (LOG-01)', () => {
  it('lets a secret through in a message, under a deeper key, and on a foreign error', () => {
    const lines: string[] = [];
    const redacting = pino(
      { redact: ['access_token', 'token', '*.access_token', 'req.headers.authorization'] },
      { write: (line) => void lines.push(line) },
    );
    const value = canary('access-token');
    const search = new SecretSearch([{ kind: 'access token', value }]);

    redacting.info({ access_token: value, grant: { access_token: value } }, 'redacted');
    redacting.info(`the provider refused ${value}`);
    redacting.info({ response: { body: { access_token: value } } }, 'deeper');
    redacting.error(Object.assign(new Error('Request failed'), { config: { data: `token=${value}` } }));

    expect(lines.map((line) => search.find(line).length > 0)).toEqual([false, true, true, true]);
  });
});

describe('the search for secrets', () => {
  it('finds bytes in the middle of others, in every form', () => {
    const value = randomBytes(32);
    const search = new SecretSearch([{ kind: 'key', value }]);

    for (const [form, bytes] of encodedForms(value)) {
      const haystack = Buffer.concat([randomBytes(1_001), bytes, randomBytes(999)]);
      expect(search.find(haystack)).toContainEqual({ kind: 'key', form, value });
    }
    expect(search.find(randomBytes(2_000))).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5])('finds base64 of a text that holds the secret at byte %i', (offset) => {
    const value = canary('client-secret');
    const search = new SecretSearch([{ kind: 'client secret', value }]);
    const text = `${'i'.repeat(offset)}${value}:tail`;

    expect(search.find(Buffer.from(text).toString('base64'))).not.toEqual([]);
    expect(search.find(Buffer.from(text).toString('base64url'))).not.toEqual([]);
  });
});
