import type { KeyObject } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import { KeySourceUnavailableError, KeyUnwrapError, RootKeyDisabledError } from './key-source.errors.js';
import { KeySource, type WrapContext, type WrappedKey } from './key-source.js';

/** A key of AWS KMS, and its endpoint. Credentials come from the usual places of the AWS SDK. */
export interface AwsKmsSettings {
  /** ARN of the key itself, not of an alias: somebody could point an alias at another key. */
  readonly keyArn: string;
  /** Replaces the endpoint of the key's region. */
  readonly endpoint: string | undefined;
  readonly timeoutMs: number;
}

const refPrefix = 'aws-kms:';
const attempts = 2;

/** Errors of a key that was disabled or scheduled for deletion, or that this service may no longer use. */
const disabled = new Set([
  'DisabledException',
  'KMSInvalidStateException',
  'AccessDeniedException',
  'NotFoundException',
  'InvalidKeyUsageException',
]);
const refused = new Set(['InvalidCiphertextException', 'IncorrectKeyException', 'ValidationException']);

/**
 * A symmetric root key in AWS KMS. The context of a wrapped key is the encryption context, which KMS logs. It holds ids
 * only.
 *
 * The SDK is loaded with the first call, so that a deployment without KMS does not have it in memory.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 */
export class AwsKmsKeySource extends KeySource {
  private client: KMSClient | undefined;

  constructor(private readonly settings: AwsKmsSettings) {
    super();
  }

  override keeps(keyRef: string): boolean {
    return keyRef === refPrefix + this.settings.keyArn;
  }

  override async wrap(key: KeyObject, context: WrapContext): Promise<WrappedKey> {
    const plain = key.export();
    try {
      const { CiphertextBlob: blob } = await this.call(async (client, sdk, abortSignal) =>
        client.send(
          new sdk.EncryptCommand({
            KeyId: this.settings.keyArn,
            Plaintext: plain,
            EncryptionContext: { ...context },
          }),
          { abortSignal },
        ),
      );
      if (blob === undefined) {
        throw new KeySourceUnavailableError('KMS responded without a ciphertext.');
      }
      return { blob: Buffer.from(blob), keyRef: refPrefix + this.settings.keyArn };
    } finally {
      plain.fill(0);
    }
  }

  protected override async unwrapBytes({ blob, keyRef }: WrappedKey, context: WrapContext): Promise<Buffer> {
    if (!this.keeps(keyRef)) {
      throw new KeyUnwrapError(`The key was wrapped with ${keyRef}, which is not configured here.`);
    }
    if (blob.length === 0) {
      throw new KeyUnwrapError('The wrapped key is empty.');
    }
    const { Plaintext: plain } = await this.call(async (client, sdk, abortSignal) =>
      client.send(
        new sdk.DecryptCommand({
          KeyId: this.settings.keyArn,
          CiphertextBlob: blob,
          EncryptionContext: { ...context },
        }),
        { abortSignal },
      ),
    );
    if (plain === undefined) {
      throw new KeySourceUnavailableError('KMS responded without a plaintext.');
    }
    const bytes = Buffer.from(plain);
    plain.fill(0);
    return bytes;
  }

  private async call<Response>(
    send: (client: KMSClient, sdk: typeof import('@aws-sdk/client-kms'), signal: AbortSignal) => Promise<Response>,
  ): Promise<Response> {
    const sdk = await import('@aws-sdk/client-kms');
    const { keyArn, endpoint, timeoutMs } = this.settings;
    this.client ??= new sdk.KMSClient({
      region: keyArn.split(':')[3] ?? '',
      maxAttempts: attempts,
      requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
      ...(endpoint === undefined ? {} : { endpoint }),
    });
    try {
      return await send(this.client, sdk, AbortSignal.timeout(timeoutMs));
    } catch (error) {
      throw toError(error instanceof Error ? error.name : '', error);
    }
  }
}

/** The SDK's errors contain the request and response, so only the name is passed on (LOG-02). */
function toError(name: string, error: unknown): Error {
  if (error instanceof KeySourceUnavailableError) {
    return error;
  }
  if (disabled.has(name)) {
    return new RootKeyDisabledError(`KMS no longer allows this key: ${name}.`);
  }
  if (refused.has(name)) {
    return new KeyUnwrapError(`KMS cannot unwrap the key: ${name}.`);
  }
  return new KeySourceUnavailableError(`Unexpected KMS response: ${name || 'unknown'}.`);
}
