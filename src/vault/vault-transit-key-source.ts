import { readFile } from 'node:fs/promises';
import type { KeyObject } from 'node:crypto';
import { request } from 'undici';
import { z } from 'zod';
import { KeySourceUnavailableError, KeyUnwrapError, RootKeyDisabledError } from './key-source.errors.js';
import { KeySource, type WrapContext, type WrappedKey } from './key-source.js';
import { encodeWrapContext } from './wrap-context.js';

/** A key of HashiCorp Vault's transit engine, and the access to it. */
export interface VaultTransitSettings {
  readonly url: string;
  readonly mount: string;
  readonly keyName: string;
  readonly namespace: string | undefined;
  /** The token itself, or the file that holds it. The file is read for each call, because its content is replaced. */
  readonly token: { readonly value: string } | { readonly file: string };
  readonly timeoutMs: number;
}

const encryptResponseSchema = z.object({ data: z.object({ ciphertext: z.string().regex(/^vault:v\d+:/) }) });
const decryptResponseSchema = z.object({ data: z.object({ plaintext: z.base64() }) });
const errorResponseSchema = z.object({ errors: z.array(z.string()) });
const maxResponseBytes = 64 * 1024;

/**
 * A root key in HashiCorp Vault's transit engine, of a type that takes associated data (`aes256-gcm96`, the default).
 * Vault replaces it by versions; the reference stored with a wrapped key names the version.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/transit
 */
export class VaultTransitKeySource extends KeySource {
  constructor(private readonly settings: VaultTransitSettings) {
    super();
  }

  override keeps(keyRef: string): boolean {
    const prefix = this.refPrefix();
    return keyRef.startsWith(prefix) && /^v\d+$/.test(keyRef.slice(prefix.length));
  }

  override async wrap(key: KeyObject, context: WrapContext): Promise<WrappedKey> {
    const response = await this.call('encrypt', {
      plaintext: key.export().toString('base64'),
      associated_data: encodeWrapContext(context).toString('base64'),
    });
    const { ciphertext } = parseResponse(encryptResponseSchema, response).data;
    return { blob: Buffer.from(ciphertext), keyRef: `${this.refPrefix()}${versionOf(ciphertext)}` };
  }

  protected override async unwrapBytes({ blob, keyRef }: WrappedKey, context: WrapContext): Promise<Buffer> {
    const ciphertext = blob.toString();
    if (!this.keeps(keyRef) || !keyRef.endsWith(`:${versionOf(ciphertext)}`)) {
      throw new KeyUnwrapError(
        `The key was wrapped with ${keyRef}, which does not match the wrapped key or is not configured here.`,
      );
    }
    const response = await this.call('decrypt', {
      ciphertext,
      associated_data: encodeWrapContext(context).toString('base64'),
    });
    return Buffer.from(parseResponse(decryptResponseSchema, response).data.plaintext, 'base64');
  }

  private refPrefix(): string {
    return `vault-transit:${this.settings.mount}/${this.settings.keyName}:`;
  }

  private async call(operation: 'encrypt' | 'decrypt', body: object): Promise<unknown> {
    const { url, mount, keyName, namespace, timeoutMs } = this.settings;
    let statusCode: number;
    let text: string;
    try {
      const response = await request(new URL(`/v1/${mount}/${operation}/${encodeURIComponent(keyName)}`, url), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-vault-request': 'true',
          'x-vault-token': await this.readToken(),
          ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      ({ statusCode } = response);
      text = await readLimited(response.body);
    } catch (error) {
      throw new KeySourceUnavailableError(`Vault did not respond within ${timeoutMs} ms.`, {
        cause: error,
      });
    }
    if (statusCode === 200) {
      return parseJson(text);
    }
    throw toError(statusCode, parseJson(text));
  }

  private async readToken(): Promise<string> {
    const { token } = this.settings;
    return 'value' in token ? token.value : (await readFile(token.file, 'utf8')).trim();
  }
}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxResponseBytes) {
      throw new Error('The response is too long.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * Vault responds with 403 for an expired token as well as for one that may no longer use the key. It counts as an
 * outage, so that a forgotten renewal does not stop everything at once. Keys in memory end with `KEY_STALE_SECONDS` in
 * both cases.
 */
function toError(statusCode: number, response: unknown): Error {
  const parsed = errorResponseSchema.safeParse(response);
  const reasons = parsed.success ? parsed.data.errors.join(' ') : '';
  if (/disallowed by policy|key not found|key is deleted|could not be found/i.test(reasons)) {
    return new RootKeyDisabledError('Vault no longer allows this key or its version.');
  }
  if (statusCode === 400) {
    return new KeyUnwrapError('Vault cannot unwrap the key.');
  }
  return new KeySourceUnavailableError(`Vault responded with HTTP ${statusCode}.`);
}

function parseResponse<Schema extends z.ZodType>(schema: Schema, response: unknown): z.output<Schema> {
  const parsed = schema.safeParse(response);
  if (!parsed.success) {
    throw new KeySourceUnavailableError('Vault sent a response that is not from the transit engine.');
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `v3` of `vault:v3:...`; empty when it is something else. */
function versionOf(ciphertext: string): string {
  return /^vault:(v\d+):/.exec(ciphertext)?.[1] ?? '';
}
