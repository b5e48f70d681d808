import { describe, expect, it } from '@jest/globals';
import { knownSecrets } from '../redaction/known-secrets.js';
import { readDatabaseConfig } from './database.config.js';

describe('readDatabaseConfig', () => {
  it('LOG-01 makes the password known, as it is written in the URL and as it is', () => {
    readDatabaseConfig({ DATABASE_URL: 'postgres://cufflink:not%20a%2Freal-password@db.example.com/cufflink' });
    for (const form of ['not a/real-password', 'not%20a%2Freal-password']) {
      expect(knownSecrets.hide(`password authentication failed with "${form}".`)).toBe(
        'password authentication failed with "[secret]".',
      );
    }
  });

  it('takes a URL without a password, and leaves the words of the log alone then', () => {
    const { url } = readDatabaseConfig({ DATABASE_URL: 'postgres://cufflink@db.example.com/cufflink' });
    expect(url).toBe('postgres://cufflink@db.example.com/cufflink');
    expect(knownSecrets.hide('cufflink reaches db.example.com')).toBe('cufflink reaches db.example.com');
  });
});
