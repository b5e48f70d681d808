import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { PARAMS_PROVIDER_TOKEN, type Params } from 'nestjs-pino';
import { loggingOptions } from '../../src/ops/logging.js';
import { ProviderHttpClient } from '../../src/provider-kit/http/http-client.js';
import type { ProviderRequest, ProviderResponse } from '../../src/provider-kit/http/http-message.js';
import type { CallKind } from '../../src/sandbox/call-history.js';
import { startApplication, type TestApplication } from './application.js';
import { endMisbehavior } from './fake-providers.js';

/** Public URL of the application under test. */
export const publicUrl = 'https://link.example.com';
export const returnUrl = 'https://app.example.com/devices';

/** The call at which a provider gives tokens away. */
export const redemption: Readonly<Record<string, CallKind>> = {
  whoop: 'token',
  garmin: 'token',
  fitbit: 'token',
  oura: 'token',
  'garmin-oauth1': 'access_token',
  'fitbit-oauth1': 'access_token',
};

/** The response to a callback that is refused, and to one that connects. */
export const refused = { status: 403, code: 'AUTHORIZATION_STATE_INVALID' };
export const connected = { status: 200, code: undefined };

/** Keeps what the application sends to the providers. */
export class RecordingHttpClient extends ProviderHttpClient {
  readonly sent: ProviderRequest[] = [];

  override send(request: ProviderRequest): Promise<ProviderResponse> {
    this.sent.push(request);
    return super.send(request);
  }

  /** The form of the last request that has one. */
  lastForm(): URLSearchParams {
    return new URLSearchParams(this.sent.findLast(({ body }) => body !== undefined)?.body?.toString());
  }
}

/** An application of which everything that it logs and sends to the providers is kept. */
export interface ObservedApplication {
  readonly application: TestApplication;
  readonly recorder: RecordingHttpClient;
  readonly logLines: readonly string[];
}

/** Starts an application that is watched from outside. */
export async function startObserved(): Promise<ObservedApplication> {
  const recorder = new RecordingHttpClient();
  const logLines: string[] = [];
  const application = await startApplication({
    environment: { PUBLIC_URL: publicUrl, RETURN_URLS: returnUrl },
    override: (builder) =>
      builder
        .overrideProvider(ProviderHttpClient)
        .useValue(recorder)
        .overrideProvider(PARAMS_PROVIDER_TOKEN)
        .useFactory({ factory: () => loggingInto(logLines) }),
  });
  return { application, recorder, logLines };
}

/**
 * Gives the tests of a file such an application. Its providers behave again after each test.
 *
 * @param assign - takes its parts before the first test
 */
export function useObserved(assign: (observed: ObservedApplication) => void): void {
  let observed: ObservedApplication;
  beforeAll(async () => {
    observed = await startObserved();
    assign(observed);
  });
  afterEach(() => endMisbehavior(observed.application));
  afterAll(() => observed.application.close());
}

async function loggingInto(lines: string[]): Promise<Params> {
  const { pinoHttp, ...others } = await loggingOptions({
    production: false,
    port: 0,
    host: '127.0.0.1',
    logLevel: 'trace',
  });
  const [options] = pinoHttp as [object];
  return { ...others, pinoHttp: [options, { write: (line: string) => void lines.push(line) }] };
}

/** Another replica: its own process state, the same database, key, clock and providers. */
export function startReplica(
  { databaseUrl, rootKey, sandbox, clock }: TestApplication,
  options: Parameters<typeof startApplication>[0] = {},
): Promise<TestApplication> {
  return startApplication({
    databaseUrl,
    rootKey,
    sandbox,
    clock,
    ...options,
    environment: { PUBLIC_URL: publicUrl, RETURN_URLS: returnUrl, ...options.environment },
  });
}

/** How often a provider was asked: to redeem, unless another call is named. */
export function calls(
  { sandbox }: TestApplication,
  slug: string,
  kind: CallKind | undefined = redemption[slug],
): number {
  return sandbox.provider(slug).history.filter((entry) => entry.kind === kind).length;
}

/** Whether a provider still honours a grant of an account. */
export function isGrantLive({ sandbox }: TestApplication, slug: string, account: string): boolean {
  const grants = sandbox.provider(slug).liveGrants();
  return grants.some(({ accountId }) => accountId === account);
}

/** Sends a callback and tells status and code. */
export async function sendCallback(
  { browser }: TestApplication,
  path: string,
): Promise<{ status: number; code: unknown }> {
  const response = await browser.get(path);
  return { status: response.status, code: (response.body as { code?: unknown }).code };
}

/** Checks that a user is not connected. */
export async function expectNoConnection({ api }: TestApplication, user: string, slug: string): Promise<void> {
  await api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
}
