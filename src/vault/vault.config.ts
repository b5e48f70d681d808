import { readFileSync } from 'node:fs';
import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const schema = z.object({
  ENCRYPTION_ROOT_KEY: z.string().optional(),
  ENCRYPTION_ROOT_KEY_FILE: z.string().optional(),
  ENVIRONMENT_NAME: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 lower-case letters, digits or "-".')
    .optional(),
  NODE_ENV: z.string().default('development'),
});

/**
 * Reads the root key and the name of the deployment, both of which sealed values are bound to.
 *
 * @throws Error naming the variable when no key, two keys, or a key of the wrong form is given. There is no mode without a key.
 */
export function readVaultConfig(environment: Environment): { rootKey: Buffer; environmentName: string } {
  const values = readEnvironment(schema, environment);
  const { ENCRYPTION_ROOT_KEY: inline, ENCRYPTION_ROOT_KEY_FILE: file } = values;
  if ((inline === undefined) === (file === undefined)) {
    throw new Error(
      'Set either ENCRYPTION_ROOT_KEY or ENCRYPTION_ROOT_KEY_FILE: 32 random bytes in base64 (`openssl rand -base64 32`).',
    );
  }
  const rootKey =
    inline === undefined
      ? decodeRootKey('ENCRYPTION_ROOT_KEY_FILE', readKeyFile(String(file)))
      : decodeRootKey('ENCRYPTION_ROOT_KEY', inline);
  return { rootKey, environmentName: values.ENVIRONMENT_NAME ?? values.NODE_ENV };
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error('ENCRYPTION_ROOT_KEY_FILE names a file that cannot be read.', { cause: error });
  }
}

function decodeRootKey(variable: string, text: string): Buffer {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  const canonical = key.toString('hex') === trimmed.toLowerCase() || key.toString('base64') === trimmed;
  if (key.length !== 32 || !canonical) {
    throw new Error(`${variable} must hold 32 bytes in base64 or hexadecimal.`);
  }
  // 32 random bytes have about 30 different values and no steady step between neighbours.
  const steps = new Set(key.subarray(1).map((byte, at) => (byte - (key[at] ?? 0)) & 0xff));
  if (new Set(key).size < 16 || steps.size < 8) {
    throw new Error(`${variable} must hold random bytes; this key is an example or a pattern.`);
  }
  return key;
}

export const vaultConfig = registerAs('vault', () => readVaultConfig(process.env));
export type VaultConfig = ConfigType<typeof vaultConfig>;
