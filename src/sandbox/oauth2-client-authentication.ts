import { Refusal } from './answer.js';
import { parseForm, type Parameters } from './form.js';
import { equalSecrets } from './random-token.js';

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * Checks that a request carries exactly one client authentication, of the maker's own kind and with the right secret.
 *
 * @param kind - `basic`: both parts form-encoded inside the header, no secret in the body; `body`: both in the form, no header
 * @throws {@link Refusal} 401 `invalid_client`
 * @see RFC 6749 section 2.3.1, https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export function authenticateClient(
  kind: 'basic' | 'body',
  authorization: string | undefined,
  form: Parameters,
  expected: Client,
): void {
  const presented = kind === 'basic' ? fromHeader(authorization, form) : fromBody(authorization, form);
  const sameId = equalSecrets(presented.clientId, expected.clientId);
  const sameSecret = equalSecrets(presented.clientSecret, expected.clientSecret);
  if (!sameId || !sameSecret) {
    throw invalidClient('unknown client or wrong secret', kind);
  }
}

function fromHeader(authorization: string | undefined, form: Parameters): Client {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) {
    throw invalidClient('this maker wants HTTP Basic', 'basic');
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

function fromBody(authorization: string | undefined, form: Parameters): Client {
  if (authorization !== undefined) {
    throw invalidClient('this maker wants the client secret in the body and no Authorization header', 'body');
  }
  return { clientId: form.find('client_id') ?? '', clientSecret: form.find('client_secret') ?? '' };
}

/** An unencoded `&`, `=`, `:` or stray `%` is a mistake of the caller: it was not form-encoded. */
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

function invalidClient(description: string, kind: 'basic' | 'body'): Refusal {
  return new Refusal(
    401,
    'invalid_client',
    description,
    kind === 'basic' ? { 'WWW-Authenticate': 'Basic realm="sandbox"' } : {},
  );
}
