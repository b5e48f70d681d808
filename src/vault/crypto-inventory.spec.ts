import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { cryptoInventory } from './crypto-inventory.js';

const src = dirname(dirname(fileURLToPath(import.meta.url)));

/** The source that runs in production, without the inventory itself. */
const texts = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.endsWith('crypto-inventory.ts'))
  .filter(
    (path) =>
      !path.includes('/testing/') && !path.startsWith('sandbox/') && !/\.sandbox(-notification)?\.ts$/.test(path),
  )
  .map((path) => readFileSync(join(src, path), 'utf8'));

/** The allowed functions of `node:crypto`. Any other needs a place in the inventory and here. */
const knownFunctions = new Set([
  'createCipheriv',
  'createDecipheriv',
  'createECDH',
  'createHash',
  'createHmac',
  'createPrivateKey',
  'createPublicKey',
  'createSecretKey',
  'generateKeySync',
  'hash',
  'hkdfSync',
  'randomBytes',
  'randomUUID',
  'timingSafeEqual',
  'verify',
]);

function findAlgorithms(text: string): string[] {
  const calls = text.matchAll(
    /\b(create(?:Cipher|Decipher)iv|createHash|createHmac|hkdfSync|hash|generateKeySync)\(([^,)]+)/g,
  );
  const direct = [...calls].flatMap(([, name = '', argument = '']) => {
    const kind = name === 'createHmac' ? 'hmac ' : name === 'hkdfSync' ? 'hkdf ' : '';
    return [...argument.matchAll(/'([a-z][a-z0-9-]*)'/g)].map(([, algorithm = '']) => kind + algorithm);
  });
  const signatures = [...text.matchAll(/'((?:RS|ES|PS|HS)\d{3}|EdDSA|none)'/g)].map(([, algorithm = '']) => algorithm);
  return [...direct, ...signatures.filter((algorithm) => algorithm !== 'none')];
}

describe('the crypto inventory', () => {
  it('names exactly the algorithms that are in the code (CR-16)', () => {
    const used = new Set(texts.flatMap(findAlgorithms));
    expect([...used].sort()).toEqual(cryptoInventory.map(({ algorithm }) => algorithm).sort());
  });

  it('would see an algorithm that is new (CR-16)', () => {
    expect(findAlgorithms(`createHash(\n  'md5',\n)`)).toEqual(['md5']);
    expect(findAlgorithms(`createCipheriv('aes-128-cbc', key, iv)`)).toEqual(['aes-128-cbc']);
    expect(findAlgorithms(`createHmac(strict ? 'sha512' : 'sha1', key)`)).toEqual(['hmac sha512', 'hmac sha1']);
    expect(findAlgorithms(`new SignJWT().setProtectedHeader({ alg: 'HS256' })`)).toEqual(['HS256']);
  });

  it('finds no other primitive imported (CR-16)', () => {
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/import \{([^}]*)\} from 'node:crypto'/g)].flatMap(([, names = '']) =>
        names.split(',').map((name) => name.trim()),
      ),
    );
    const unknown = imported.filter((name) => name !== '' && !name.startsWith('type ') && !knownFunctions.has(name));
    expect(imported.length).toBeGreaterThan(20);
    expect(unknown).toEqual([]);
    expect(
      texts.filter((text) => /import (\*|\w+) (as \w+ )?from 'node:crypto'|webcrypto|\.subtle\b/.test(text)),
    ).toEqual([]);
  });
});
