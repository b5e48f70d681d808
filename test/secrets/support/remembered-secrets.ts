import type { RecordedExchange } from '../../support/recording-proxy.js';
import type { Secret } from '../../support/secret-search.js';

/** The secrets that a run has met, each with its kind. */
export class RememberedSecrets {
  private readonly kinds = new Map<string, string>();

  get size(): number {
    return this.kinds.size;
  }

  remember(kind: string, value: string | null | undefined): void {
    if (value) {
      this.kinds.set(value, kind);
    }
  }

  list(): Secret[] {
    return [...this.kinds].map(([value, kind]) => ({ kind, value }));
  }

  /** Remembers what only service and provider know of each other. */
  collectFrom(exchanges: readonly RecordedExchange[]): void {
    for (const exchange of exchanges) {
      for (const [kind, value] of secretsOf(exchange)) {
        if (value.length >= 16 && !this.kinds.has(value)) {
          this.remember(kind, value);
        }
      }
    }
  }
}

/** The secrets in what was sent to a provider and in its response. */
function* secretsOf({ headers, body, response }: RecordedExchange): Generator<readonly [string, string]> {
  const sent = new URLSearchParams(body);
  const received = parseObject(response) ?? Object.fromEntries(new URLSearchParams(response));
  for (const [name, kind] of [
    ['code', 'authorization code'],
    ['code_verifier', 'PKCE verifier'],
    ['refresh_token', 'refresh token'],
    ['access_token', 'access token'],
    ['oauth_token', 'OAuth 1.0a token'],
    ['oauth_token_secret', 'OAuth 1.0a token secret'],
  ] as const) {
    for (const value of [sent.get(name), received[name]]) {
      if (typeof value === 'string') {
        yield [kind, value];
      }
    }
  }
  const [scheme = '', ...rest] = (headers.authorization ?? '').split(' ');
  const credentials = rest.join(' ');
  if (scheme === 'Basic') {
    yield ['Basic credentials', credentials];
  } else if (scheme === 'Bearer') {
    yield ['access token', credentials];
  } else if (scheme === 'OAuth') {
    for (const [, name = '', value = ''] of credentials.matchAll(/(\w+)="([^"]*)"/g)) {
      if (name === 'oauth_signature') {
        yield ['OAuth 1.0a signature', decodeURIComponent(value)];
      } else if (name === 'oauth_verifier') {
        yield ['OAuth 1.0a verifier', decodeURIComponent(value)];
      }
    }
  }
}

/** Returns the JSON object of a text, if it is one. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
