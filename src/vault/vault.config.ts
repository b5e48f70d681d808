import { createSecretKey, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';
import { knownSecrets } from '../redaction/known-secrets.js';
import type { AwsKmsSettings } from './aws-kms-key-source.js';
import type { VaultTransitSettings } from './vault-transit-key-source.js';

/** A number of seconds, read as milliseconds. */
function seconds(least: number, most: number, byDefault: number) {
  return z.coerce
    .number('must be a number of seconds.')
    .min(least, `must be at least ${least} seconds.`)
    .max(most, `must be at most ${most} seconds.`)
    .default(byDefault)
    .transform((value) => value * 1_000);
}

const kmsKeyArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a key, arn:aws:kms:...:key/...');

const serviceUrl = z.url({ protocol: /^https?$/, error: 'must be a URL.' });

const schema = z.object({
  KEY_SOURCE: z
    .enum(['local', 'vault-transit', 'aws-kms'], 'must be local, vault-transit or aws-kms.')
    .default('local'),
  KEY_SOURCE_TIMEOUT_SECONDS: seconds(0.1, 30, 5),
  VAULT_TRANSIT_URL: serviceUrl.optional(),
  VAULT_TRANSIT_MOUNT: z
    .string()
    .regex(/^[\w-]+(\/[\w-]+)*$/, 'must be a path of letters, digits, "_", "-".')
    .default('transit'),
  VAULT_TRANSIT_KEY: z
    .string()
    .regex(/^[\w.-]+$/, 'must be the name of a key.')
    .optional(),
  VAULT_TRANSIT_NAMESPACE: z.string().optional(),
  VAULT_TRANSIT_TOKEN: z.string().optional(),
  VAULT_TRANSIT_TOKEN_FILE: z.string().optional(),
  AWS_KMS_KEY_ARN: kmsKeyArn.optional(),
  AWS_KMS_PREVIOUS_KEY_ARN: kmsKeyArn.optional(),
  AWS_KMS_ENDPOINT: serviceUrl.optional(),
  ENCRYPTION_ROOT_KEY: z.string().optional(),
  ENCRYPTION_ROOT_KEY_PREVIOUS: z.string().optional(),
  ENVIRONMENT_NAME: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 lower-case letters, digits or "-".')
    .optional(),
  NODE_ENV: z.string().default('development'),
  KEY_CREATION: z.enum(['on', 'off'], 'must be on or off.').default('on'),
  KEY_RELOAD_SECONDS: seconds(0.1, 300, 30),
  KEY_CACHE_SECONDS: seconds(0.1, 900, 300),
  KEY_STALE_SECONDS: seconds(0.1, 86_400, 1_800),
});

/** The variables that hold root keys; the current one first. */
const rootKeyVariables = ['ENCRYPTION_ROOT_KEY', 'ENCRYPTION_ROOT_KEY_PREVIOUS'] as const;

/** The place of a root key. */
export type KeySourceSettings =
  | { readonly kind: 'local'; /** 256 bits. */ readonly rootKey: KeyObject }
  | ({ readonly kind: 'vault-transit' } & VaultTransitSettings)
  | ({ readonly kind: 'aws-kms' } & AwsKmsSettings);

/** The settings of the vault. */
export interface VaultSettings {
  /** Sealed values and wrapped keys are bound to it. */
  readonly environmentName: string;
  /** The first wraps new branch keys. The others still unwrap keys that they wrapped, while keys move to the first. */
  readonly keySources: readonly KeySourceSettings[];
  /** Whether this process may create the first keys of a database. */
  readonly createsKeys: boolean;
  /** Interval at which the key ring is read again. */
  readonly reloadMs: number;
  /** Time after which the key service unwraps a key in memory again. */
  readonly cacheMs: number;
  /** Greatest age of a key in memory while the key service does not respond. */
  readonly staleMs: number;
}

/**
 * Reads the place of the root key and the name of the deployment. Sealed values are bound to both.
 *
 * @throws Error naming the variable when there is no key, two keys, or a key of the wrong form. There is no mode
 *   without a key.
 */
export function readVaultConfig(environment: Environment): VaultSettings {
  const values = readEnvironment(schema, environment, rootKeyVariables);
  const { KEY_CACHE_SECONDS: cacheMs, KEY_STALE_SECONDS: staleMs, KEY_RELOAD_SECONDS: reloadMs } = values;
  if (cacheMs + reloadMs > staleMs) {
    throw new Error('KEY_STALE_SECONDS must be at least the sum of KEY_CACHE_SECONDS and KEY_RELOAD_SECONDS.');
  }
  return {
    environmentName: values.ENVIRONMENT_NAME ?? values.NODE_ENV,
    keySources: readKeySources(values, environment),
    createsKeys: values.KEY_CREATION === 'on',
    reloadMs,
    cacheMs,
    staleMs,
  };
}

function readKeySources(values: z.output<typeof schema>, environment: Environment): KeySourceSettings[] {
  const sources = [...readLocalSources(values, environment), ...readTransitSource(values), ...readKmsSources(values)];
  const first = sources.find(({ kind }) => kind === values.KEY_SOURCE);
  if (first === undefined) {
    throw new Error(missing[values.KEY_SOURCE]);
  }
  return [first, ...sources.filter((source) => source !== first)];
}

const missing: Readonly<Record<KeySourceSettings['kind'], string>> = {
  local:
    'Set either ENCRYPTION_ROOT_KEY or ENCRYPTION_ROOT_KEY_FILE: 32 random bytes in base64 (`openssl rand -base64 32`).',
  'vault-transit': 'KEY_SOURCE is vault-transit: set VAULT_TRANSIT_URL and VAULT_TRANSIT_KEY.',
  'aws-kms': 'KEY_SOURCE is aws-kms: set AWS_KMS_KEY_ARN.',
};

function readLocalSources(values: z.output<typeof schema>, environment: Environment): KeySourceSettings[] {
  return rootKeyVariables.flatMap((name) => {
    const text = values[name];
    const file = environment[`${name}_FILE`] || undefined;
    if (file !== undefined && values.NODE_ENV === 'production') {
      checkPrivate(`${name}_FILE`, file);
    }
    const variable = file === undefined ? name : `${name}_FILE`;
    return text === undefined ? [] : [{ kind: 'local', rootKey: decodeRootKey(variable, text) }];
  });
}

/**
 * Refuses a key file that others can read, and one of our own that its group can read, as ssh does. A file of another
 * owner may be readable by a group of the process: Kubernetes mounts secrets so (`fsGroup`, `defaultMode: 0440`).
 */
function checkPrivate(variable: string, file: string): void {
  const { mode, uid } = statSync(file);
  const isOurs = uid === process.getuid?.();
  if ((mode & (isOurs ? 0o077 : 0o007)) !== 0) {
    const permissions = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(
      `${variable} names a file with the permissions ${permissions}: others on this machine can read the root key. ` +
        'Remove those permissions, for example with chmod 600.',
    );
  }
}

function readTransitSource(values: z.output<typeof schema>): KeySourceSettings[] {
  const { VAULT_TRANSIT_URL: url, VAULT_TRANSIT_KEY: keyName, VAULT_TRANSIT_MOUNT: mount } = values;
  if (url === undefined && keyName === undefined) {
    return [];
  }
  const { VAULT_TRANSIT_TOKEN: value, VAULT_TRANSIT_TOKEN_FILE: file, VAULT_TRANSIT_NAMESPACE: namespace } = values;
  if (url === undefined || keyName === undefined || (value === undefined) === (file === undefined)) {
    throw new Error(
      'Set VAULT_TRANSIT_URL, VAULT_TRANSIT_KEY and either VAULT_TRANSIT_TOKEN or VAULT_TRANSIT_TOKEN_FILE.',
    );
  }
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    throw new Error('VAULT_TRANSIT_URL must be https, because keys are sent over it.');
  }
  knownSecrets.addSetting(value ?? '');
  const token = value === undefined ? { file: String(file) } : { value };
  return [
    { kind: 'vault-transit', url, mount, keyName, namespace, token, timeoutMs: values.KEY_SOURCE_TIMEOUT_SECONDS },
  ];
}

function readKmsSources(values: z.output<typeof schema>): KeySourceSettings[] {
  return [values.AWS_KMS_KEY_ARN, values.AWS_KMS_PREVIOUS_KEY_ARN].flatMap((keyArn) =>
    keyArn === undefined
      ? []
      : [{ kind: 'aws-kms', keyArn, endpoint: values.AWS_KMS_ENDPOINT, timeoutMs: values.KEY_SOURCE_TIMEOUT_SECONDS }],
  );
}

/** Returns the key as an object of OpenSSL, and overwrites the decoded bytes with zeros (CR-17). */
function decodeRootKey(variable: string, text: string): KeyObject {
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
  knownSecrets.addSetting(trimmed);
  knownSecrets.addSetting(key.toString('base64'));
  knownSecrets.addSetting(key.toString('hex'));
  const rootKey = createSecretKey(key);
  key.fill(0);
  return rootKey;
}

export const vaultConfig = registerAs('vault', () => readVaultConfig(process.env));
export type VaultConfig = ConfigType<typeof vaultConfig>;
