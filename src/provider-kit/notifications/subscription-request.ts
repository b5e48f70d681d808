import { hookUrl } from '../definition/notification-settings.js';
import type { SubscriptionCall, SubscriptionProof } from '../definition/subscriptions.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import type { GrantTokens, HealthProvider } from '../health-provider.js';
import type { ProviderRequest } from '../http/http-message.js';
import { formBody, formEncode, percentEncode } from '../http/percent-encoding.js';
import { requestTimeoutMs } from '../requests/request-timeout.js';

/** Fields of a topic, for a new subscription or as listed. */
export type TopicFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Builds a call of a provider's API of subscriptions.
 *
 * @param provider - definition and settings in force
 * @param tokens - of the user, if the API needs the user's access token
 * @param call - as declared
 * @param values - `id` and `topic` of the subscription; `callbackUrl` if it is not the present one
 * @throws Error when the API asks for a token and there is none
 */
export function subscriptionRequest(
  { definition, settings }: Pick<HealthProvider, 'definition' | 'settings'>,
  tokens: GrantTokens | undefined,
  call: SubscriptionCall,
  values: { readonly id?: string | undefined; readonly callbackUrl?: string; readonly topic?: TopicFields },
): ProviderRequest {
  const { subscriptionsUrl = '', verifyToken } = settings.notifications;
  const proof = definition.notifications?.subscriptions?.proof ?? { by: 'user' };
  const filled: Readonly<Record<string, string>> = {
    '{callbackUrl}': values.callbackUrl ?? hookUrl(settings.notifications),
    '{verifyToken}': verifyToken?.reveal() ?? '',
  };
  const own = Object.entries(call.fields ?? {}).map(([name, text]): [string, string] => [name, filled[text] ?? text]);
  const fields: TopicFields = {
    ...(proof.by === 'client' && proof.in === 'fields' ? credentials(proof, settings) : {}),
    ...Object.fromEntries(own),
    ...(call.sendsTopic === true ? values.topic : {}),
  };
  const path = (call.path ?? '').replace('{id}', percentEncode(values.id ?? ''));
  const url = `${subscriptionsUrl}${path}`;
  const headers = { accept: 'application/json', ...authorization(proof, settings, tokens) };
  const common = { method: call.method, timeoutMs: requestTimeoutMs(definition) };
  const texts = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  ) as Record<string, string | undefined>;
  switch (call.in) {
    case 'query': {
      const query = formBody(texts);
      return { ...common, headers, url: query === '' ? url : `${url}?${query}` };
    }
    case 'form':
      return {
        ...common,
        url,
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: formBody(texts),
      };
    case 'json':
      return {
        ...common,
        url,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(fields),
      };
  }
}

function credentials(
  { id, secret }: Extract<SubscriptionProof, { by: 'client' }>,
  { clientId, clientSecret }: ProviderSettings,
): Record<string, string> {
  return { [id]: clientId, [secret]: clientSecret.reveal() };
}

function authorization(
  proof: SubscriptionProof,
  settings: ProviderSettings,
  tokens: GrantTokens | undefined,
): Readonly<Record<string, string>> {
  switch (proof.by) {
    case 'user':
      if (tokens === undefined) {
        throw new Error('A subscription of a user needs the tokens of the user.');
      }
      return { authorization: `Bearer ${tokens.accessToken}` };
    case 'client-basic': {
      const pair = `${formEncode(settings.clientId)}:${formEncode(settings.clientSecret.reveal())}`;
      return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    }
    case 'client':
      return proof.in === 'headers' ? credentials(proof, settings) : {};
  }
}
