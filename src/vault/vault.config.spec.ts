import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readVaultConfig } from './vault.config.js';

const key = randomBytes(32);

describe('readVaultConfig', () => {
  it.each(['base64', 'hex'] as const)('reads a root key in %s', (encoding) => {
    expect(readVaultConfig({ ENCRYPTION_ROOT_KEY: key.toString(encoding) }).rootKey).toEqual(key);
  });

  it('reads a root key from a file, with a line end behind it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cufflink-key-'));
    try {
      const file = join(directory, 'root-key');
      writeFileSync(file, `${key.toString('base64')}\n`);
      expect(readVaultConfig({ ENCRYPTION_ROOT_KEY_FILE: file }).rootKey).toEqual(key);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

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
  ])('CR-10 refuses %s and names the variable', (_name, environment) => {
    expect(() => readVaultConfig(environment)).toThrow(/ENCRYPTION_ROOT_KEY/);
  });

  it('CR-10 never shows the key it refuses', () => {
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
});
