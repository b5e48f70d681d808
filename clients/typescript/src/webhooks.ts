import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import type { CufflinkEvent } from './events.js';

export { WebhookVerificationError };

/** Headers of a request: of `fetch`, or of Node. */
export type ReceivedHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Verifies a delivery and returns its event.
 *
 * @param secret - the signing secret of the endpoint, `whsec_...`
 * @param body - the bytes of the body as they came; JSON that was parsed and written again does not verify
 * @throws {@link WebhookVerificationError} if the signature or the time is wrong. Respond with 401.
 * @see Standard Webhooks, https://www.standardwebhooks.com
 */
export function verifyWebhook(secret: string, body: string | Uint8Array, headers: ReceivedHeaders): CufflinkEvent {
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const found = entries.map(([name, value]) => [name.toLowerCase(), [value ?? ''].flat().join(' ')] as const);
  return new Webhook(secret).verify(text, Object.fromEntries(found)) as CufflinkEvent;
}
