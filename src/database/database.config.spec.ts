import { describe, expect, it } from '@jest/globals';
import { knownSecrets } from '../redaction/known-secrets.js';
import { readDatabaseConfig } from './database.config.js';

describe('readDatabaseConfig', () => {
  it('makes the password known, as it is written in the URL and as it is (LOG-01)', () => {
    readDatabaseConfig({ DATABASE_URL: 'postgres://cufflink:not%20a%2Freal-password@db.example.com/cufflink' });
    for (const form of ['not a/real-password', 'not%20a%2Freal-password']) {
      expect(knownSecrets.hide(`password authentication failed with "${form}".`)).toBe(
        'password authentication failed with "[secret]".',
      );
    }
  });

  it.each([
    ['db.example.com/cufflink', true],
    ['db.example.com/cufflink?sslmode=disable', true],
    ['db.example.com/cufflink?sslmode=allow', true],
    ['10.0.0.7/cufflink?ssl=false', true],
    ['db.example.com/cufflink?sslmode=verify-full', false],
    ['db.example.com/cufflink?sslmode=require', false],
    ['db.example.com/cufflink?ssl=true', false],
    ['localhost/cufflink', false],
    ['127.0.0.1:5433/cufflink', false],
    ['[::1]/cufflink', false],
    ['/cufflink?host=/var/run/postgresql', false],
    ['localhost/cufflink?host=db.example.com', true],
  ])('reports whether others on the way can read what goes to %s: %s', (rest, expected) => {
    const environment = { DATABASE_URL: `postgres://${rest}` };
    expect(readDatabaseConfig(environment)).toMatchObject({ remoteWithoutTls: expected });
    expect(readDatabaseConfig({ ...environment, PGSSLMODE: 'require' })).toMatchObject({
      remoteWithoutTls: expected && rest.includes('sslmode'),
    });
  });

  it('takes a URL without a password, and leaves the words of the log alone then', () => {
    const { url } = readDatabaseConfig({ DATABASE_URL: 'postgres://cufflink@db.example.com/cufflink' });
    expect(url).toBe('postgres://cufflink@db.example.com/cufflink');
    expect(knownSecrets.hide('cufflink reaches db.example.com')).toBe('cufflink reaches db.example.com');
  });
});
