import { readFileSync } from 'node:fs';
import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

/** A number of seconds, read as milliseconds. */
function seconds(least: number, most: number, byDefault: number) {
  return z.coerce
    .number('must be a number of seconds.')
    .min(least, `must be at least ${least} seconds.`)
    .max(most, `must be at most ${most} seconds.`)
    .default(byDefault)
    .transform((value) => value * 1_000);
}

const schema = z.object({
  ENCRYPTION_ROOT_KEY: z.string().optional(),
  ENCRYPTION_ROOT_KEY_FILE: z.string().optional(),
  ENCRYPTION_ROOT_KEY_PREVIOUS: z.string().optional(),
  ENCRYPTION_ROOT_KEY_PREVIOUS_FILE: z.string().optional(),
  ENVIRONMENT_NAME: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 lower-case letters, digits or "-".')
    .optional(),
  NODE_ENV: z.string().default('development'),
  KEY_RELOAD_SECONDS: seconds(0.1, 300, 30),
  KEY_CACHE_SECONDS: seconds(0.1, 900, 300),
  KEY_STALE_SECONDS: seconds(0.1, 86_400, 1_800),
});

/** How the vault is set up. */
export interface VaultSettings {
  /** Sealed values and wrapped keys are bound to it. */
  readonly environmentName: string;
  /** 32 bytes, wraps new branch keys. */
  readonly rootKey: Buffer;
  /** 32 bytes; still unwraps what it has wrapped, while keys move to `rootKey`. */
  readonly previousRootKey: Buffer | undefined;
  /** How often the key ring is read again. */
  readonly reloadMs: number;
  /** After so long a key in memory is unwrapped anew by its keeper. */
  readonly cacheMs: number;
  /** While its keeper does not answer, a key in memory is used until it is so old. */
  readonly staleMs: number;
}

/**
 * Reads the root key and the name of the deployment, both of which sealed values are bound to.
 *
 * @throws Error naming the variable when no key, two keys, or a key of the wrong form is given. There is no mode without a key.
 */
export function readVaultConfig(environment: Environment): VaultSettings {
  const values = readEnvironment(schema, environment);
  const rootKey = readRootKey('ENCRYPTION_ROOT_KEY', values.ENCRYPTION_ROOT_KEY, values.ENCRYPTION_ROOT_KEY_FILE);
  if (rootKey === undefined) {
    throw new Error(
      'Set either ENCRYPTION_ROOT_KEY or ENCRYPTION_ROOT_KEY_FILE: 32 random bytes in base64 (`openssl rand -base64 32`).',
    );
  }
  const { KEY_CACHE_SECONDS: cacheMs, KEY_STALE_SECONDS: staleMs, KEY_RELOAD_SECONDS: reloadMs } = values;
  if (cacheMs + reloadMs > staleMs) {
    throw new Error('KEY_STALE_SECONDS must be at least KEY_CACHE_SECONDS and KEY_RELOAD_SECONDS together.');
  }
  return {
    environmentName: values.ENVIRONMENT_NAME ?? values.NODE_ENV,
    rootKey,
    previousRootKey: readRootKey(
      'ENCRYPTION_ROOT_KEY_PREVIOUS',
      values.ENCRYPTION_ROOT_KEY_PREVIOUS,
      values.ENCRYPTION_ROOT_KEY_PREVIOUS_FILE,
    ),
    reloadMs,
    cacheMs,
    staleMs,
  };
}

/** @param variable - holds the key; with `_FILE` behind it, it names a file that does */
function readRootKey(variable: string, inline: string | undefined, file: string | undefined): Buffer | undefined {
  if (inline !== undefined && file !== undefined) {
    throw new Error(`Set either ${variable} or ${variable}_FILE, not both.`);
  }
  if (file !== undefined) {
    return decodeRootKey(`${variable}_FILE`, readKeyFile(`${variable}_FILE`, file));
  }
  return inline === undefined ? undefined : decodeRootKey(variable, inline);
}

function readKeyFile(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${variable} names a file that cannot be read.`, { cause: error });
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
