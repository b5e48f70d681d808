import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { startRecordingServer, type RecordingServer } from '../../src/provider-kit/testing/recording-server.js';

/** Controls of the fake, beside its responses as Vault. */
export interface TransitState {
  /** Keys by name; a version is an index from 1. */
  readonly keys: Map<string, Buffer[]>;
  minDecryptionVersion: number;
  /** Responds with this status, and touches no key. */
  failWith: number | undefined;
  /** Leaves every call without a response. */
  hang: boolean;
}

/**
 * A transit engine of HashiCorp Vault that really encrypts: AES-256-GCM with associated data, versions, tokens,
 * namespaces.
 */
export interface FakeTransit extends TransitState {
  readonly server: RecordingServer;
  readonly url: string;
}

export const transitToken = 'not-a-real-vault-token';
export const transitNamespace = 'team-a';

const target = /^\/v1\/transit\/(encrypt|decrypt)\/([\w-]+)$/;

/** Starts it on 127.0.0.1 with keys of one version each. */
export async function startFakeTransit(...names: string[]): Promise<FakeTransit> {
  const state: TransitState = {
    keys: new Map(names.map((name) => [name, [randomBytes(32)]])),
    minDecryptionVersion: 1,
    failWith: undefined,
    hang: false,
  };
  const fail = (status: number, ...errors: string[]) => ({ status, body: JSON.stringify({ errors }) });
  const server = await startRecordingServer(async ({ method, target: path, headers, body }) => {
    if (state.hang) {
      return new Promise(() => undefined);
    }
    if (state.failWith !== undefined) {
      return fail(state.failWith, 'failure of the test');
    }
    const [, operation, name = ''] = target.exec(path) ?? [];
    if (method !== 'POST' || operation === undefined) {
      return fail(404);
    }
    if (headers['x-vault-token'] !== transitToken || headers['x-vault-namespace'] !== transitNamespace) {
      return fail(403, 'permission denied');
    }
    const versions = state.keys.get(name);
    if (versions === undefined) {
      return fail(400, 'encryption key not found');
    }
    const fields = JSON.parse(body) as Record<string, string>;
    const associatedData = Buffer.from(fields['associated_data'] ?? '', 'base64');
    if (operation === 'encrypt') {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', versions.at(-1) ?? Buffer.alloc(0), iv, { authTagLength: 16 });
      cipher.setAAD(associatedData);
      const sealed = Buffer.concat([
        iv,
        cipher.update(Buffer.from(fields['plaintext'] ?? '', 'base64')),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      const ciphertext = `vault:v${versions.length}:${sealed.toString('base64')}`;
      return { body: JSON.stringify({ data: { ciphertext, key_version: versions.length } }) };
    }
    const [, version, encoded = ''] = /^vault:v(\d+):(.+)$/.exec(fields['ciphertext'] ?? '') ?? [];
    const key = versions[Number(version) - 1];
    if (key === undefined) {
      return fail(400, 'invalid ciphertext: no prefix');
    }
    if (Number(version) < state.minDecryptionVersion) {
      return fail(400, 'ciphertext or signature version is disallowed by policy (too old)');
    }
    try {
      const sealed = Buffer.from(encoded, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(associatedData);
      decipher.setAuthTag(sealed.subarray(-16));
      const plaintext = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
      return { body: JSON.stringify({ data: { plaintext: plaintext.toString('base64') } }) };
    } catch {
      return fail(400, 'cipher: message authentication failed');
    }
  });
  return Object.assign(state, { server, url: server.url });
}
