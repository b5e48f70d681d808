import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { startRecordingServer, type RecordingServer } from '../../src/provider-kit/testing/recording-server.js';

/** Controls of the fake, beside its responses as KMS. */
export interface KmsState {
  readonly keys: Map<string, Buffer>;
  /** Every call gets this error. */
  failWith: { readonly status: number; readonly type: string } | undefined;
  /** Leaves every call without a response. */
  hang: boolean;
}

/** An AWS KMS that really encrypts, asks for a signature of the right service, and binds to the encryption context. */
export interface FakeKms extends KmsState {
  readonly server: RecordingServer;
  readonly url: string;
}

/** ARN of a key that the fake may have. */
export function kmsKeyArn(name: string): string {
  return `arn:aws:kms:eu-central-1:111122223333:key/${name}`;
}

const signature =
  /^AWS4-HMAC-SHA256 Credential=[\w-]+\/\d{8}\/eu-central-1\/kms\/aws4_request, ?SignedHeaders=[\w;-]*host[\w;-]*, ?Signature=[0-9a-f]{64}$/;

/** Starts it on 127.0.0.1 with a key for each name. */
export async function startFakeKms(...names: string[]): Promise<FakeKms> {
  const state: KmsState = {
    keys: new Map(names.map((name) => [kmsKeyArn(name), randomBytes(32)])),
    failWith: undefined,
    hang: false,
  };
  const fail = (type: string, status = 400) => ({
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ __type: type, message: 'failure of the test' }),
  });
  const response = (body: object) => ({
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(body),
  });
  const server = await startRecordingServer(async ({ headers, body }) => {
    if (state.hang) {
      return new Promise(() => undefined);
    }
    if (state.failWith !== undefined) {
      return fail(state.failWith.type, state.failWith.status);
    }
    if (!signature.test(headers.authorization ?? '') || headers['x-amz-date'] === undefined) {
      return fail('IncompleteSignatureException');
    }
    const fields = JSON.parse(body) as {
      KeyId: string;
      Plaintext?: string;
      CiphertextBlob?: string;
      EncryptionContext?: Record<string, string>;
    };
    const key = state.keys.get(fields.KeyId);
    if (key === undefined) {
      return fail('NotFoundException');
    }
    const context = Object.entries(fields.EncryptionContext ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
    const associatedData = Buffer.from(JSON.stringify(context));
    if (headers['x-amz-target'] === 'TrentService.Encrypt') {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
      cipher.setAAD(associatedData);
      const blob = Buffer.concat([
        iv,
        cipher.update(Buffer.from(fields.Plaintext ?? '', 'base64')),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return response({ CiphertextBlob: blob.toString('base64'), KeyId: fields.KeyId });
    }
    try {
      const blob = Buffer.from(fields.CiphertextBlob ?? '', 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(associatedData);
      decipher.setAuthTag(blob.subarray(-16));
      const plain = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
      return response({ Plaintext: plain.toString('base64'), KeyId: fields.KeyId });
    } catch {
      return fail('InvalidCiphertextException');
    }
  });
  return Object.assign(state, { server, url: server.url });
}
