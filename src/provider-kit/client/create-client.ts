import type { Clock } from '../../clock/clock.js';
import type { OAuth2Definition, ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderHttpClient } from '../http/http-client.js';
import { ResponseRemarks } from '../responses/response-remarks.js';
import { OAuth1Client } from './oauth1-client.js';
import { OAuth2Client } from './oauth2-client.js';

/** The client that goes with a definition. */
export type ClientOf<Definition extends ProviderDefinition> = Definition extends OAuth2Definition
  ? OAuth2Client
  : OAuth1Client;

/** Makes the client for a provider's version of OAuth, for code that runs without Nest. */
export function createClient<Definition extends ProviderDefinition>(
  definition: Definition,
  http: ProviderHttpClient,
  clock: Clock,
  remarks?: ResponseRemarks,
): ClientOf<Definition>;
export function createClient(
  definition: ProviderDefinition,
  http: ProviderHttpClient,
  clock: Clock,
  remarks = new ResponseRemarks(),
): OAuth1Client | OAuth2Client {
  return definition.oauth === '1.0a' ? new OAuth1Client(http, clock, remarks) : new OAuth2Client(http, clock, remarks);
}
