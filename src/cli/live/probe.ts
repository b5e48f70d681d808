import { randomBytes } from 'node:crypto';
import { AppError } from '../../errors/app-error.js';
import type { ClientOf } from '../../provider-kit/client/create-client.js';
import type {
  OAuth1Definition,
  OAuth2Definition,
  ProviderDefinition,
} from '../../provider-kit/definition/provider-definition.js';
import type { SettingsOf } from '../../provider-kit/definition/provider-settings.js';
import type { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import type { ProviderResponse } from '../../provider-kit/http/http-message.js';

/** `OK`: the provider does as declared; `DIFFERS`: it does not; `UNKNOWN`: the response does not show it. */
export type Verdict = 'OK' | 'DIFFERS' | 'UNKNOWN';

/** The result of one probe. */
export interface Observation {
  readonly verdict: Verdict;
  /** The comparison, in one sentence without secrets and without the provider's own words. */
  readonly compared: string;
}

/** The tools and facts that a probe may use. */
export interface ProbeBench<Definition extends ProviderDefinition = ProviderDefinition> {
  /** In force: with the facts of the chosen server. */
  readonly definition: Definition;
  readonly settings: SettingsOf<Definition>;
  readonly http: ProviderHttpClient;
  readonly client: ClientOf<Definition>;
  readonly now: () => Date;
  /** Whether our client secret may be sent (`--with-client`). */
  readonly withClient: boolean;
  /** The memory of the last run; empty at first. */
  readonly before: ProbeMemory;
  /** The memory for the next run. */
  readonly after: { documentation?: string; date?: Date };
}

/** Facts that are kept from one run to the next. */
export interface ProbeMemory {
  /** SHA-256 of the documentation page. */
  readonly documentation?: string | undefined;
}

/** One question to a provider, asked by at most one request. */
export interface Probe {
  readonly name: string;
  /** Whether the question can be asked of this provider at all. */
  readonly applies: (bench: ProbeBench) => boolean;
  readonly ask: (bench: ProbeBench) => Promise<Observation>;
}

export function ok(compared: string): Observation {
  return { verdict: 'OK', compared };
}

export function differs(compared: string): Observation {
  return { verdict: 'DIFFERS', compared };
}

export function unknown(compared: string): Observation {
  return { verdict: 'UNKNOWN', compared };
}

/** Returns a value that no provider has issued, and that is recognizable as a probe in the provider's logs. */
export function probeValue(): string {
  return `cufflink-probe-${randomBytes(16).toString('hex')}`;
}

/** Whether the provider speaks OAuth 1.0a. */
export function isOAuth1(bench: ProbeBench): bench is ProbeBench<OAuth1Definition> {
  return bench.definition.oauth === '1.0a';
}

/** Whether the provider speaks OAuth 2.0. */
export function isOAuth2(bench: ProbeBench): bench is ProbeBench<OAuth2Definition> {
  return bench.definition.oauth === '2.0';
}

/** Whether our own client is set, so that its id can be sent. */
export function hasClient({ settings }: ProbeBench): boolean {
  return settings.mode !== 'not-configured';
}

/** Whether a URL is a placeholder for one that is discovered at run time (RFC 2606 section 2). */
export function isDiscovered(url: string): boolean {
  return new URL(url).hostname.endsWith('.invalid');
}

/** Sends a GET without credentials, unless `headers` has some. A redirect is a response. */
export function get(
  { http }: ProbeBench,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ProviderResponse> {
  return http.send({ method: 'GET', url, headers, timeoutMs: 10_000, mayRedirect: true });
}

/** Describes a response in fixed words. */
export function describeStatus({ status, headers }: ProviderResponse): string {
  const { location } = headers;
  const to = location !== undefined && URL.canParse(location) ? ` to ${new URL(location).host}` : '';
  return `HTTP ${status}${to}`;
}

/** Describes the error of a call by our own client: its code, and its detail, which has no free text. */
export function describeError(error: unknown): string {
  return error instanceof AppError
    ? `${error.code}${error.detail === undefined ? '' : ` (${error.detail})`}`
    : 'an error';
}
