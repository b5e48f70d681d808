import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Environment } from '../config/read-environment.js';
import { knownSecrets } from '../redaction/known-secrets.js';
import { readVaultConfig } from './vault.config.js';

const key = randomBytes(32);

/** The root keys in their order, as bytes. */
function readRootKeys(environment: Environment): Buffer[] {
  return readVaultConfig(environment).keySources.flatMap((source) =>
    source.kind === 'local' ? [source.rootKey.export()] : [],
  );
}

describe('readVaultConfig', () => {
  it.each(['base64', 'hex'] as const)('reads a root key in %s', (encoding) => {
    expect(readRootKeys({ ENCRYPTION_ROOT_KEY: key.toString(encoding) })).toEqual([key]);
  });

  it.each(['base64', 'hex'] as const)('makes a root key in %s known in both forms (LOG-01)', (encoding) => {
    const rootKey = randomBytes(32);
    readVaultConfig({ ENCRYPTION_ROOT_KEY: rootKey.toString(encoding) });
    const text = `keys ${rootKey.toString('base64')} and ${rootKey.toString('hex')} in a dump`;
    expect(knownSecrets.hide(text)).toBe('keys [secret] and [secret] in a dump');
  });

  it('reads a root key from a file, with a line end behind it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cufflink-key-'));
    try {
      const file = join(directory, 'root-key');
      writeFileSync(file, `${key.toString('base64')}\n`);
      expect(readRootKeys({ ENCRYPTION_ROOT_KEY_FILE: file })).toEqual([key]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([
    [0o600, undefined],
    [0o400, undefined],
    [0o640, '0640'],
    [0o604, '0604'],
    [0o644, '0644'],
    [0o620, '0620'],
  ])(
    'judges a root key file of our own with the permissions %o in production alone, as ssh does (CR-10)',
    (mode, refused) => {
      const directory = mkdtempSync(join(tmpdir(), 'cufflink-key-'));
      try {
        const file = join(directory, 'root-key');
        writeFileSync(file, key.toString('base64'));
        chmodSync(file, mode);
        for (const variable of ['ENCRYPTION_ROOT_KEY', 'ENCRYPTION_ROOT_KEY_PREVIOUS']) {
          const environment = {
            ENCRYPTION_ROOT_KEY: key.toString('base64'),
            [variable]: '',
            [`${variable}_FILE`]: file,
          };
          expect(() => readVaultConfig(environment)).not.toThrow();
          const read = (): unknown => readVaultConfig({ ...environment, NODE_ENV: 'production' });
          if (refused === undefined) {
            expect(read).not.toThrow();
          } else {
            expect(read).toThrow(`${variable}_FILE names a file with the permissions ${refused}`);
          }
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );

  it.each([
    ['no key', {}],
    ['an empty key', { ENCRYPTION_ROOT_KEY: '' }],
    ['two keys', { ENCRYPTION_ROOT_KEY: key.toString('base64'), ENCRYPTION_ROOT_KEY_FILE: '/nowhere' }],
    ['a file that is not there', { ENCRYPTION_ROOT_KEY_FILE: '/nowhere/ENCRYPTION_ROOT_KEY' }],
    ['31 bytes', { ENCRYPTION_ROOT_KEY: randomBytes(31).toString('base64') }],
    ['33 bytes', { ENCRYPTION_ROOT_KEY: randomBytes(33).toString('base64') }],
    ['text', { ENCRYPTION_ROOT_KEY: 'change-me-change-me-change-me-change-me' }],
    ['zeros', { ENCRYPTION_ROOT_KEY: Buffer.alloc(32).toString('base64') }],
    ['a pattern', { ENCRYPTION_ROOT_KEY: Buffer.from('abababababababababababababababab').toString('base64') }],
    [
      'a counted example',
      { ENCRYPTION_ROOT_KEY: Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('hex') },
    ],
  ])('refuses %s and names the variable (CR-10)', (_name, environment) => {
    expect(() => readVaultConfig(environment)).toThrow(/ENCRYPTION_ROOT_KEY/);
  });

  it('never shows the key it refuses (CR-10)', () => {
    const wrong = `not-a-real-key-${'x'.repeat(30)}`;
    let message = '';
    try {
      readVaultConfig({ ENCRYPTION_ROOT_KEY: wrong });
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('ENCRYPTION_ROOT_KEY');
    expect(message).not.toContain(wrong);
  });

  const transit = {
    VAULT_TRANSIT_URL: 'https://vault.example',
    VAULT_TRANSIT_KEY: 'cufflink',
    VAULT_TRANSIT_TOKEN: 'x',
  };
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/one';

  it('puts the key source of KEY_SOURCE first, and keeps the others for their own keys', () => {
    const all = { ENCRYPTION_ROOT_KEY: key.toString('hex'), ...transit, AWS_KMS_KEY_ARN: arn };
    const kinds = (keySource?: string): string[] =>
      readVaultConfig({ ...all, KEY_SOURCE: keySource }).keySources.map(({ kind }) => kind);
    expect(kinds()).toEqual(['local', 'vault-transit', 'aws-kms']);
    expect(kinds('vault-transit')).toEqual(['vault-transit', 'local', 'aws-kms']);
    expect(kinds('aws-kms')).toEqual(['aws-kms', 'local', 'vault-transit']);
  });

  it.each([
    ['a Vault without a key', { KEY_SOURCE: 'vault-transit' }, 'VAULT_TRANSIT_URL'],
    [
      'a Vault without a token',
      { KEY_SOURCE: 'vault-transit', ...transit, VAULT_TRANSIT_TOKEN: '' },
      'VAULT_TRANSIT_TOKEN',
    ],
    [
      'a Vault in clear',
      { KEY_SOURCE: 'vault-transit', ...transit, VAULT_TRANSIT_URL: 'http://vault.example' },
      'https',
    ],
    ['a KMS without a key', { KEY_SOURCE: 'aws-kms' }, 'AWS_KMS_KEY_ARN'],
    ['an alias', { KEY_SOURCE: 'aws-kms', AWS_KMS_KEY_ARN: arn.replace('key/', 'alias/') }, 'AWS_KMS_KEY_ARN'],
    ['an unknown key source', { KEY_SOURCE: 'plaintext' }, 'KEY_SOURCE'],
    [
      'a cache that outlives its limit',
      { ENCRYPTION_ROOT_KEY: key.toString('hex'), KEY_STALE_SECONDS: '60' },
      'KEY_STALE_SECONDS',
    ],
  ])('refuses %s and names the variable (CR-10)', (_name, environment, variable) => {
    expect(() => readVaultConfig(environment)).toThrow(variable);
  });
});
