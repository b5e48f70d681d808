import { generateKeySync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AwsKmsKeySource, type AwsKmsSettings } from '../../src/vault/aws-kms-key-source.js';
import { KeySourceUnavailableError, RootKeyDisabledError } from '../../src/vault/key-source.errors.js';
import type { KeySource } from '../../src/vault/key-source.js';
import { describeKeySourceContract } from '../../src/vault/testing/key-source-contract.js';
import { VaultTransitKeySource, type VaultTransitSettings } from '../../src/vault/vault-transit-key-source.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { kmsKeyArn, startFakeKms, type FakeKms } from '../support/fake-kms.js';
import { startFakeTransit, transitNamespace, transitToken, type FakeTransit } from '../support/fake-transit.js';
import { linkAccount } from '../support/linking.js';
import { until } from '../support/until.js';

const context = { kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101', purpose: 'connections.sealed', environment: 'test' };
/** Long enough for a machine that stands still for seconds. */
const timeoutMs = 30_000;
/** Of a source from which nothing comes. */
const shortTimeoutMs = 300;
const awsVariables = { AWS_ACCESS_KEY_ID: 'not-a-real-id', AWS_SECRET_ACCESS_KEY: 'not-a-real-secret' };

beforeAll(() => void Object.assign(process.env, awsVariables));
afterAll(() => Object.keys(awsVariables).forEach((name) => delete process.env[name]));

function transitSource({ url }: FakeTransit, changes: Partial<VaultTransitSettings> = {}): VaultTransitKeySource {
  const settings = { url, mount: 'transit', keyName: 'cufflink', namespace: transitNamespace, timeoutMs };
  return new VaultTransitKeySource({ ...settings, token: { value: transitToken }, ...changes });
}

function kmsSource({ url }: FakeKms, changes: Partial<AwsKmsSettings> = {}): AwsKmsKeySource {
  return new AwsKmsKeySource({ keyArn: kmsKeyArn('one'), endpoint: url, timeoutMs, ...changes });
}

describeKeySourceContract('VaultTransitKeySource', async () => {
  const fake = await startFakeTransit('cufflink', 'another');
  return {
    source: transitSource(fake),
    other: transitSource(fake, { keyName: 'another' }),
    stop: () => fake.server.close(),
  };
});

describeKeySourceContract('AwsKmsKeySource', async () => {
  const fake = await startFakeKms('one', 'two');
  return {
    source: kmsSource(fake),
    other: kmsSource(fake, { keyArn: kmsKeyArn('two') }),
    stop: () => fake.server.close(),
  };
});

/** A remote key source and what can happen to it. */
interface Remote {
  readonly source: KeySource;
  /** The same, but waits for a moment only. */
  readonly hasty: KeySource;
  calls(): number;
  hang(): void;
  failWith(status: number): void;
  disable(): void;
  stop(): Promise<void>;
}

const remotes: readonly [string, () => Promise<Remote>][] = [
  [
    'VaultTransitKeySource',
    async () => {
      const fake = await startFakeTransit('cufflink');
      return {
        source: transitSource(fake),
        hasty: transitSource(fake, { timeoutMs: shortTimeoutMs }),
        calls: () => fake.server.requests.length,
        hang: () => (fake.hang = true),
        failWith: (status) => (fake.failWith = status),
        disable: () => (fake.minDecryptionVersion = 2),
        stop: () => fake.server.close(),
      };
    },
  ],
  [
    'AwsKmsKeySource',
    async () => {
      const fake = await startFakeKms('one');
      return {
        source: kmsSource(fake),
        hasty: kmsSource(fake, { timeoutMs: shortTimeoutMs }),
        calls: () => fake.server.requests.length,
        hang: () => (fake.hang = true),
        failWith: (status) => (fake.failWith = { status, type: 'KMSInternalException' }),
        disable: () => (fake.failWith = { status: 400, type: 'DisabledException' }),
        stop: () => fake.server.close(),
      };
    },
  ],
];

describe.each(remotes)('%s', (_name, startRemote) => {
  let remote: Remote;

  beforeEach(async () => {
    remote = await startRemote();
  });

  afterEach(() => remote.stop());

  it('makes one request for a key that many callers need at the same moment', async () => {
    const wrapped = await remote.source.wrap(generateKeySync('aes', { length: 256 }), context);
    const before = remote.calls();
    const keys = await Promise.all(Array.from({ length: 20 }, () => remote.source.unwrap(wrapped, context)));
    expect(remote.calls() - before).toBe(1);
    expect(new Set(keys).size).toBe(1);
    await remote.source.unwrap(wrapped, context);
    expect(remote.calls() - before).toBe(2);
  });

  it('says that the root key is disabled (CR-14)', async () => {
    const wrapped = await remote.source.wrap(generateKeySync('aes', { length: 256 }), context);
    remote.disable();
    await expect(remote.source.unwrap(wrapped, context)).rejects.toThrow(RootKeyDisabledError);
  });

  it('reports an outage on a timeout, an error or a refused connection (CR-14)', async () => {
    const wrapped = await remote.source.wrap(generateKeySync('aes', { length: 256 }), context);
    remote.failWith(500);
    await expect(remote.source.unwrap(wrapped, context)).rejects.toThrow(KeySourceUnavailableError);
    remote.hang();
    await expect(remote.hasty.unwrap(wrapped, context)).rejects.toThrow(KeySourceUnavailableError);
    await remote.stop();
    await expect(remote.source.unwrap(wrapped, context)).rejects.toThrow(KeySourceUnavailableError);
  });
});

describe('VaultTransitKeySource', () => {
  it('names the version of the root key, and moves to the next one by wrapping again', async () => {
    const fake = await startFakeTransit('cufflink');
    try {
      const source = transitSource(fake);
      const key = generateKeySync('aes', { length: 256 });
      const first = await source.wrap(key, context);
      fake.keys.get('cufflink')?.push(Buffer.alloc(32, 7));
      const second = await source.wrap(key, context);
      expect([first.keyRef, second.keyRef]).toEqual([
        'vault-transit:transit/cufflink:v1',
        'vault-transit:transit/cufflink:v2',
      ]);
      expect((await source.unwrap(first, context)).equals(key)).toBe(true);
      await expect(source.unwrap({ ...first, keyRef: second.keyRef }, context)).rejects.toThrow(
        /does not match the wrapped key/,
      );
    } finally {
      await fake.server.close();
    }
  });

  it('reads its token from a file for each call, and takes a refused one for an outage', async () => {
    const fake = await startFakeTransit('cufflink');
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-vault-'));
    try {
      const file = join(directory, 'token');
      await writeFile(file, 'expired');
      const source = transitSource(fake, { token: { file } });
      const key = generateKeySync('aes', { length: 256 });
      await expect(source.wrap(key, context)).rejects.toThrow(KeySourceUnavailableError);
      await writeFile(file, `${transitToken}\n`);
      await expect(source.wrap(key, context)).resolves.toMatchObject({ keyRef: 'vault-transit:transit/cufflink:v1' });
    } finally {
      await fake.server.close();
      await rm(directory, { recursive: true });
    }
  });
});

describe('AwsKmsKeySource', () => {
  it('sends KMS ids only, and no person', async () => {
    const fake = await startFakeKms('one');
    try {
      await kmsSource(fake).wrap(generateKeySync('aes', { length: 256 }), context);
      const body = JSON.parse(fake.server.requests[0]?.body ?? '') as { EncryptionContext: unknown };
      expect(body.EncryptionContext).toEqual(context);
    } finally {
      await fake.server.close();
    }
  });
});

describe('a service with a root key in a key service', () => {
  let fake: FakeTransit;
  let application: TestApplication | undefined;

  const environment = (): Record<string, string | undefined> => ({
    ENCRYPTION_ROOT_KEY: undefined,
    KEY_SOURCE: 'vault-transit',
    VAULT_TRANSIT_URL: fake.url,
    VAULT_TRANSIT_KEY: 'cufflink',
    VAULT_TRANSIT_NAMESPACE: transitNamespace,
    VAULT_TRANSIT_TOKEN: transitToken,
    KEY_RELOAD_SECONDS: '0.1',
    KEY_CACHE_SECONDS: '0.1',
    KEY_STALE_SECONDS: '600',
  });
  const path = '/v1/users/user-1/connections/whoop';

  async function start(changes: Record<string, string | undefined> = {}): Promise<TestApplication> {
    application = await startApplication({ environment: { ...environment(), ...changes } });
    return application;
  }

  beforeEach(async () => {
    fake = await startFakeTransit('cufflink');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await application?.close();
    application = undefined;
    await fake.server.close();
  });

  it('issues tokens through an outage until its keys are too old, and spends no refresh token after (CR-14)', async () => {
    const { api, sandbox } = await start();
    if (application === undefined) {
      throw new Error('It did not start.');
    }
    await linkAccount(application, 'user-1', 'whoop');
    fake.failWith = 503;
    const before = fake.server.requests.length;
    await until('the keys are asked for in vain', () => fake.server.requests.length > before);
    await api.get(`${path}/token`).expect(200);
    // The keys age by a clock that only runs forward.
    const now = performance.now.bind(performance);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + 600_000);
    const response = await api.get(`${path}/token`).expect(503);
    expect(response.body).toMatchObject({ code: 'KEY_UNAVAILABLE', act: 'operator', retry_after_seconds: 30 });
    const refused = await api.post(`${path}/refresh`).expect(503);
    expect(refused.body).toMatchObject({ code: 'KEY_UNAVAILABLE' });
    expect(sandbox.provider('whoop').history.filter(({ kind }) => kind === 'refresh')).toEqual([]);

    fake.failWith = undefined;
    await until('the keys are there again', async () => (await api.get(`${path}/token`)).status === 200);
    clock.mockRestore();
    await api.post(`${path}/refresh`).expect(200);
  });

  it('spends no refresh token when its keys grow too old within two minutes, and issues tokens as long as they last (CR-14)', async () => {
    const { api, sandbox } = await start();
    await linkAccount({ api, browser: (application as TestApplication).browser }, 'user-1', 'whoop');
    fake.failWith = 503;
    const before = fake.server.requests.length;
    await until('the keys are asked for in vain', () => fake.server.requests.length > before);
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 500_000);
    const refused = await api.post(`${path}/refresh`).expect(503);
    expect(refused.body).toMatchObject({ code: 'KEY_UNAVAILABLE' });
    expect(sandbox.provider('whoop').history.filter(({ kind }) => kind === 'refresh')).toEqual([]);
    await api.get(`${path}/token`).expect(200);
  });

  it('stops using its keys as soon as it learns that the root key is disabled (CR-14)', async () => {
    const started = await start();
    await linkAccount(started, 'user-1', 'whoop');
    fake.minDecryptionVersion = 2;
    await until('it is refused', async () => (await started.api.get(`${path}/token`)).status === 503);
  });

  it('does not start while the key service is away (CR-14)', async () => {
    const { databaseUrl } = await start();
    fake.failWith = 503;
    await expect(startApplication({ databaseUrl, environment: environment() })).rejects.toThrow(/cannot be unwrapped/);
  });
});
