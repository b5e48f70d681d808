import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { Refusal } from '../http/fake-response.js';
import { verifyClientSecretJwt } from './client-secret-jwt.js';
import { parseForm, type Parameters } from '../http/form.js';
import { equalSecrets } from '../grants/random-token.js';

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The client that a fake knows. */
export interface ExpectedClient extends Client {
  readonly slug: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export type ClientAuthentication = OAuth2SandboxDefinition['clientAuthentication'];

/**
 * Checks that a request has one client authentication, of the provider's own kind and with the right secret.
 *
 * @param kind - the accepted way:
 *   - `basic`: both parts form-encoded in the header, no secret in the body
 *   - `body`: both in the form
 *   - `none`: the client id in the form and no secret anywhere
 *   - `es256-jwt`: as `body`, and the secret is a JWT
 * @param audience - the audience of such a JWT
 * @throws {@link Refusal} 401 `invalid_client`
 * @see RFC 6749 section 2.3.1, https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export async function authenticateClient(
  kind: Exclude<ClientAuthentication, 'private_key_jwt'>,
  authorization: string | undefined,
  form: Parameters,
  expected: ExpectedClient,
  audience = '',
): Promise<void> {
  const presented = kind === 'basic' ? fromHeader(authorization, form) : fromBody(authorization, form, kind);
  if (!equalSecrets(presented.clientId, expected.clientId)) {
    throw invalidClient('unknown client or wrong secret', kind);
  }
  switch (kind) {
    case 'basic':
    case 'body':
      if (!equalSecrets(presented.clientSecret, expected.clientSecret)) {
        throw invalidClient('unknown client or wrong secret', kind);
      }
      return;
    case 'none':
      if (presented.clientSecret !== '') {
        throw invalidClient('this client has no secret', kind);
      }
      return;
    case 'es256-jwt': {
      const { slug, clientId } = expected;
      const wanted = { slug, clientId, audience, nowMs: expected.now() };
      await verifyClientSecretJwt(presented.clientSecret, wanted).catch((error: unknown) => {
        throw invalidClient(`the client secret is not accepted: ${error instanceof Error ? error.message : ''}`, kind);
      });
    }
  }
}

function fromHeader(authorization: string | undefined, form: Parameters): Client {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) {
    throw invalidClient('this provider wants HTTP Basic', 'basic');
  }
  if (form.find('client_secret') !== undefined) {
    throw invalidClient('two client authentications at once', 'basic');
  }
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const client = { clientId: formDecode(text.slice(0, colon)), clientSecret: formDecode(text.slice(colon + 1)) };
  const bodyId = form.find('client_id');
  if (colon === -1 || (bodyId !== undefined && bodyId !== client.clientId)) {
    throw invalidClient('the header names no client, or another than the body', 'basic');
  }
  return client;
}

function fromBody(authorization: string | undefined, form: Parameters, kind: ClientAuthentication): Client {
  if (authorization !== undefined) {
    throw invalidClient('this provider wants the client in the body and no Authorization header', kind);
  }
  return { clientId: form.find('client_id') ?? '', clientSecret: form.find('client_secret') ?? '' };
}

/** Decodes a form-encoded text. An unencoded `&`, `=`, `:` or stray `%` is a mistake of the caller. */
function formDecode(text: string): string {
  if (!/^(?:[A-Za-z0-9*._~+-]|%[0-9A-Fa-f]{2})*$/.test(text)) {
    throw invalidClient('the parts of the Basic header must be form-encoded', 'basic');
  }
  try {
    return parseForm(`value=${text}`)[0]?.[1] ?? '';
  } catch {
    throw invalidClient('the parts of the Basic header must be form-encoded', 'basic');
  }
}

function invalidClient(description: string, kind: ClientAuthentication): Refusal {
  return new Refusal(
    401,
    'invalid_client',
    description,
    kind === 'basic' ? { 'WWW-Authenticate': 'Basic realm="sandbox"' } : {},
  );
}
