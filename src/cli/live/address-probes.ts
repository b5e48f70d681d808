import { createHash } from 'node:crypto';
import { AppError } from '../../errors/app-error.js';
import { lifecycleAt } from '../../provider-kit/definition/lifecycle.js';
import { parseJsonBody } from '../../provider-kit/responses/response-body.js';
import {
  describeStatus,
  differs,
  get,
  isDiscovered,
  isOAuth2,
  ok,
  unknown,
  type Observation,
  type Probe,
  type ProbeBench,
} from './probe.js';

/** Difference between the two clocks above which signatures and lifetimes suffer, in milliseconds. */
const maxClockDifferenceMs = 60_000;

/** Codes of a wrong name or certificate, in contrast to a network that is down. */
const wrongAddress = /\b(ENOTFOUND|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|CERT_\w+|DEPTH_ZERO\w+|SELF_SIGNED\w+|UNABLE_TO_\w+)/;

/**
 * Asks for the root of one origin.
 *
 * @param origin - scheme, host and port
 */
export function hostProbe(origin: string): Probe {
  return {
    name: `host ${new URL(origin).host}`,
    applies: () => true,
    ask: async (bench) => {
      const response = await bench.http
        .send({ method: 'HEAD', url: `${origin}/`, timeoutMs: 10_000, mayRedirect: true })
        .catch((error: unknown) => error);
      if (!(response instanceof Error)) {
        const date = (response as { headers: Record<string, string | undefined> }).headers['date'];
        if (date !== undefined && !Number.isNaN(Date.parse(date))) {
          bench.after.date = new Date(date);
        }
        return ok('The name resolves, and the certificate is good.');
      }
      const detail = response instanceof AppError ? (response.detail ?? '') : '';
      return wrongAddress.test(detail)
        ? differs(`The host cannot be reached by this name over TLS: ${detail}.`)
        : unknown(`The host did not respond: ${detail}.`);
    },
  };
}

/** Compares the clock of this machine with the `Date` of the last host that responded; sends nothing. */
export const clockProbe: Probe = {
  name: 'clock',
  applies: () => true,
  ask: ({ now, after }) => {
    const differenceMs = after.date === undefined ? undefined : Math.abs(now().getTime() - after.date.getTime());
    if (differenceMs === undefined) {
      return Promise.resolve(unknown('No response had a Date.'));
    }
    const seconds = Math.round(differenceMs / 1_000);
    return Promise.resolve(
      differenceMs <= maxClockDifferenceMs
        ? ok(`The clocks differ by ${seconds} s at most.`)
        : differs(`The clocks differ by ${seconds} s. Check the clock of this machine.`),
    );
  },
};

/** Compares the documentation page with the one of the last run. */
export const documentationProbe: Probe = {
  name: 'documentation',
  applies: () => true,
  ask: async (bench) => {
    const response = await get(bench, bench.definition.docsUrl);
    if (response.status === 404 || response.status === 410) {
      return differs(`The documentation page is gone: ${describeStatus(response)}.`);
    }
    if (response.status !== 200) {
      return unknown(`The documentation page was not read: ${describeStatus(response)}.`);
    }
    const digest = createHash('sha256').update(response.body).digest('hex');
    bench.after.documentation = digest;
    const { documentation } = bench.before;
    if (documentation === undefined) {
      return unknown('The page was read for the first time.');
    }
    return documentation === digest
      ? ok('The page is the same as at the last run.')
      : differs('The page has changed since the last run. Compare facts.json with it.');
  },
};

/** Whether a provider that announced its end has ended. */
export const lifecycleProbe: Probe = {
  name: 'end of the provider',
  applies: ({ definition }) => definition.lifecycle.status !== 'live' && definition.apiBaseUrl !== undefined,
  ask: async (bench) => {
    const { definition, settings, now } = bench;
    const hasEnded = lifecycleAt(definition.lifecycle, now()).status === 'retired';
    const status = await get(bench, settings.endpoints.apiBaseUrl ?? '').then(
      (response) => response.status,
      () => undefined,
    );
    const isGone = status === undefined || status === 410;
    const seen = status === undefined ? 'no response' : `HTTP ${status}`;
    return isGone === hasEnded ? ok(`${seen}, as announced.`) : differs(`${seen}, which is not what was announced.`);
  },
};

/** The discovery document, against the endpoints in force. */
export const discoveryProbe: Probe = {
  name: 'discovery document',
  applies: isOAuth2,
  ask: async (bench) => {
    if (!isOAuth2(bench)) {
      return unknown('OAuth 1.0a has none.');
    }
    const { definition, settings } = bench;
    const { endpoints } = settings;
    const [issuer] = settings.issuers;
    const url = isDiscovered(endpoints.tokenUrl)
      ? `${endpoints.apiBaseUrl}/.well-known/smart-configuration`
      : issuer === undefined
        ? `${new URL(endpoints.tokenUrl).origin}/.well-known/oauth-authorization-server`
        : `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await get(bench, url);
    const document = response.status === 200 ? (parseJsonBody(response) as Document | undefined) : undefined;
    if (document === undefined) {
      return unknown(`No document is published at ${new URL(url).pathname}: ${describeStatus(response)}.`);
    }
    return compareDocument(document, {
      authorization_endpoint: endpoints.authorizeUrl,
      token_endpoint: endpoints.tokenUrl,
      revocation_endpoint: endpoints.revokeUrl,
      jwks_uri: endpoints.jwksUrl,
      issuer,
      s256: definition.pkce !== 'unsupported',
    });
  },
};

type Document = Readonly<Record<string, unknown>>;

function compareDocument(
  document: Document,
  { s256, ...declared }: Record<string, string | undefined | boolean>,
): Observation {
  const fields = Object.entries(declared).filter(
    ([field, url]) => typeof url === 'string' && !isDiscovered(url) && document[field] !== undefined,
  );
  const other = fields.filter(([field, url]) => document[field] !== url).map(([field]) => field);
  const methods = document['code_challenge_methods_supported'];
  const offersS256 = Array.isArray(methods) && methods.includes('S256');
  if (Array.isArray(methods) && offersS256 !== s256) {
    other.push('code_challenge_methods_supported');
  }
  const compared = [...fields.map(([field]) => field), ...(Array.isArray(methods) ? ['PKCE'] : [])];
  if (other.length > 0) {
    return differs(`The document has other values: ${other.join(', ')}.`);
  }
  return compared.length === 0
    ? unknown('The document has nothing that is declared here.')
    : ok(`The document agrees: ${compared.join(', ')}.`);
}

function keySetUrl(bench: ProbeBench): string | undefined {
  return isOAuth2(bench) ? bench.settings.endpoints.jwksUrl : undefined;
}

/** The keys that sign ID tokens. */
export const keySetProbe: Probe = {
  name: 'key set',
  applies: (bench) => keySetUrl(bench) !== undefined,
  ask: async (bench) => {
    const response = await get(bench, keySetUrl(bench) ?? '');
    const keys =
      response.status === 200 ? (parseJsonBody(response) as { keys?: unknown } | undefined)?.keys : undefined;
    return Array.isArray(keys) && keys.length > 0
      ? ok(`There are ${keys.length} keys.`)
      : differs(`There is no key set at the declared URL: ${describeStatus(response)}.`);
  },
};
