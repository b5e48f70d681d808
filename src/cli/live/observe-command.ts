import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { version } from '../../config/version.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import type { ProviderRequest, ProviderResponse } from '../../provider-kit/http/http-message.js';
import { usedCallbackParameters } from '../../provider-kit/responses/used-callback-parameters.js';
import { textTable } from '../text-table.js';
import { waitForRedirect } from './redirect.js';
import { shapeOfBody, type Shape } from './shape.js';
import { observeGrant, type ObservedFact } from './user-observation.js';

/** Time limit for the test user. */
const consentMs = 10 * 60 * 1_000;

/** The facts that the consent of a test user showed. None of the provider's values is in it. */
export interface UserObservation {
  readonly provider: string;
  /** `YYYY-MM-DD`. */
  readonly observedOn: string;
  readonly version: string;
  readonly facts: readonly ObservedFact[];
  readonly responses: readonly ObservedResponse[];
}

/** One response, without its values. */
interface ObservedResponse {
  /** The endpoint that responded. */
  readonly from: string;
  readonly status: number;
  readonly shape: Shape;
}

/** The parts of a terminal that the command needs. */
export interface Terminal {
  readonly input: Readable;
  readonly tell: (text: string) => void;
}

/**
 * Guides one consent of a test user, uses the grant, and ends it.
 *
 * @param http - sends the provider's requests
 * @throws the errors of a link that fails; none has a secret in its text
 */
export async function observeUser(
  provider: HealthProvider,
  http: ProviderHttpClient,
  { input, tell }: Terminal,
  now: Date,
): Promise<UserObservation> {
  const { definition, settings } = provider;
  if (settings.mode === 'not-configured') {
    throw new Error(`${definition.displayName} is not configured. Set its client ID and secret.`);
  }
  const { redirectUri, scopes } = settings;
  const seen: (readonly [ProviderRequest, ProviderResponse])[] = [];
  http.onResponse = (request, response) => seen.push([request, response]);
  try {
    const handshake = { state: randomBytes(32).toString('base64url'), redirectUri, scopes };
    const { authorizeUrl, secrets } = await provider.begin(handshake);
    tell(`Open this address as a test user of ${definition.displayName}, and approve:\n\n${authorizeUrl}\n`);
    const used = usedCallbackParameters(definition);
    const callback = await waitForRedirect({ redirectUri, used, input, tell, timeoutMs: consentMs });
    if (callback['state'] !== handshake.state) {
      throw new Error('The redirect URL is of another attempt: its state differs. Start again.');
    }
    const linked = await provider.verify(await provider.complete(callback, handshake, secrets), secrets);
    const facts = await observeGrant(provider, linked, scopes);
    return {
      provider: definition.slug,
      observedOn: now.toISOString().slice(0, 10),
      version,
      facts,
      // Converted only now, when the redaction knows every token.
      responses: seen.map(([request, { status, body }]) => ({
        from: endpointOf(provider, request),
        status,
        shape: shapeOfBody(body),
      })),
    };
  } finally {
    http.onResponse = undefined;
  }
}

/** Returns the name of the endpoint. Its path may have the user's id, so it is not shown. */
function endpointOf({ settings }: HealthProvider, { method, url, body }: ProviderRequest): string {
  const path = url.split('?')[0];
  const endpoints = Object.entries(settings.endpoints as unknown as Record<string, string | undefined>);
  const name = endpoints.find(([, endpoint]) => endpoint?.split('?')[0] === path)?.[0];
  const grantType = /(?:^|&)grant_type=(\w+)/.exec(String(body ?? ''))?.[1];
  return [method, name?.replace(/Url$/, '') ?? 'another endpoint', grantType].filter(Boolean).join(' ');
}

/** Writes the observation into a folder. Returns the path of the file. */
export async function writeObservation(observation: UserObservation, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'observed.json');
  await writeFile(file, `${JSON.stringify(observation, undefined, 2)}\n`);
  return file;
}

/**
 * Returns the fixtures of the provider's folder in a source tree. A folder may have several providers, whose slugs
 * begin with its name.
 *
 * @throws Error when there is no source tree, as in an image
 */
export async function findFixtures(slug: string, root = 'src/providers'): Promise<string> {
  const folders = await readdir(root).catch(() => []);
  const [found] = folders
    .filter((folder) => `${slug}-`.startsWith(`${folder}-`))
    .sort((left, right) => right.length - left.length);
  if (found === undefined) {
    throw new Error(`There is no folder of ${slug} here. Say with --fixtures where to write observed.json.`);
  }
  return join(root, found, 'fixtures');
}

/** Writes an observation for a person. */
export function renderObservation({ provider, facts, responses }: UserObservation, file: string): string {
  const table = textTable(facts.map(({ verdict, fact, compared }) => [verdict, fact, compared]));
  const shapes = responses.map(
    ({ from, status, shape }) => `${from}: HTTP ${status}\n${JSON.stringify(shape, undefined, 2)}`,
  );
  return [`${provider}\n${table}`, 'Responses, without their values:', ...shapes, `Written to ${file}.`].join('\n\n');
}
