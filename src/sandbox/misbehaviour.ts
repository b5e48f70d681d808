import { z } from 'zod';
import type { SandboxDefinition } from '../provider-kit/definition/sandbox-definition.js';

const endpoint = z.enum([
  'token',
  'refresh',
  'revoke',
  'account',
  'api',
  'jwks',
  'endpoint',
  'request_token',
  'access_token',
  'exchange',
]);
const tokenEndpoint = z.enum(['token', 'refresh']);
const status = z.int().min(200).max(599);
/** Whether the fake carries out the request (rotates, revokes ...) before its response goes wrong. */
const processed = z.boolean().optional();
const bytes = z.int().min(0).max(1_073_741_824);

/** One kind of misbehavior, and its endpoint. */
export const misbehaviourSchema = z.discriminatedUnion('type', [
  /** Responds late, or when the orders are canceled. Works at arrival; with `processed: false` after the wait. */
  z.strictObject({ endpoint, type: z.literal('slow'), ms: z.int().min(0).max(600_000), processed }),
  /**
   * Closes the connection without a response; with `processed` after the token was rotated, so the response is lost.
   */
  z.strictObject({ endpoint, type: z.literal('drop'), processed }),
  z.strictObject({
    endpoint,
    type: z.literal('status'),
    code: status,
    body: z.string().optional(),
    contentType: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    processed,
  }),
  /** 200 with an HTML page. */
  z.strictObject({ endpoint, type: z.literal('html'), processed }),
  /** 200 without a body. */
  z.strictObject({ endpoint, type: z.literal('emptyBody'), processed }),
  /** 200 with the provider's error body. */
  z.strictObject({ endpoint, type: z.literal('errorIn200'), error: z.string(), processed }),
  /** The provider's error body. */
  z.strictObject({
    endpoint,
    type: z.literal('error'),
    error: z.string(),
    status,
    contentType: z.string().optional(),
    processed,
  }),
  /** The provider's error body, which quotes every secret that was presented. */
  z.strictObject({ endpoint, type: z.literal('echoSecret'), error: z.string(), status, processed }),
  z.strictObject({ endpoint, type: z.literal('redirect'), status, location: z.string(), processed }),
  /** 200 with a JSON body of this many bytes. */
  z.strictObject({ endpoint, type: z.literal('hugeBody'), bytes, processed }),
  /** The same, compressed to a thousandth. */
  z.strictObject({ endpoint, type: z.literal('gzipBomb'), bytes, processed }),
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('omitExpiresIn') }),
  /** Any JSON as `expires_in`. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('expiresIn'), value: z.json() }),
  /** No `refresh_token` in the response; at a refresh the presented one stays valid. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('omitRefreshToken') }),
  /** The same with an empty string as `refresh_token`. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('emptyRefreshToken') }),
  /** The grant shrinks to these scopes, and the response says so. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('scope'), scopes: z.array(z.string()) }),
  /** An ID token with these claims over the right ones, also with a refresh. `null` leaves a claim out. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('idToken'), claims: z.record(z.string(), z.json()) }),
  /** Any JSON as `token_type`; `mac` when absent. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('badTokenType'), value: z.json().optional() }),
  /** Any JSON as these fields of the response; `null` leaves one out. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('fields'), values: z.record(z.string(), z.json()) }),
  /** The right response with another content type. */
  z.strictObject({ endpoint: tokenEndpoint, type: z.literal('contentType'), value: z.string() }),
  /** OAuth 1.0a: `oauth_callback_confirmed` is left out or another value. */
  z.strictObject({
    endpoint: z.literal('request_token'),
    type: z.literal('callbackNotConfirmed'),
    value: z.enum(['omit', 'false']).optional(),
  }),
]);

export type Misbehaviour = z.infer<typeof misbehaviourSchema>;

/** Returns the endpoints of a fake, each of which can misbehave. */
export function endpointsOf(definition: SandboxDefinition): Misbehaviour['endpoint'][] {
  const oauth2 = definition.oauth === '2.0' ? definition : undefined;
  const oauth1 = definition.oauth === '1.0a' ? definition : undefined;
  const has: Readonly<Record<Misbehaviour['endpoint'], boolean>> = {
    token: oauth2 !== undefined,
    refresh: oauth2 !== undefined,
    revoke: definition.revoke !== undefined,
    account: definition.account !== undefined,
    api: true,
    jwks: oauth2?.idToken !== undefined,
    endpoint: (oauth2?.endpoints ?? []).length > 0,
    request_token: oauth1 !== undefined,
    access_token: oauth1 !== undefined,
    exchange: oauth1?.exchange !== undefined,
  };
  return endpoint.options.filter((name) => has[name]);
}

/** The ordered misbehaviors of each endpoint, first ordered first. Each call uses up one. */
export class MisbehaviourQueue {
  readonly #orders: { readonly misbehaviour: Misbehaviour; times: number }[] = [];

  /** The endpoints that have orders. */
  get endpoints(): Misbehaviour['endpoint'][] {
    return [...new Set(this.#orders.map(({ misbehaviour }) => misbehaviour.endpoint))];
  }

  /** @throws {@link RangeError} when `times` is not a positive integer or `Infinity` */
  add(misbehaviour: Misbehaviour, times: number): void {
    if (!(times >= 1) || !(Number.isInteger(times) || times === Infinity)) {
      throw new RangeError(`times must be a positive integer or Infinity, got ${times}`);
    }
    this.#orders.push({ misbehaviour: misbehaviourSchema.parse(misbehaviour), times });
  }

  take(kind: string): Misbehaviour | undefined {
    const index = this.#orders.findIndex(({ misbehaviour }) => misbehaviour.endpoint === kind);
    const order = this.#orders[index];
    if (order === undefined) {
      return undefined;
    }
    order.times -= 1;
    if (order.times === 0) {
      this.#orders.splice(index, 1);
    }
    return order.misbehaviour;
  }

  clear(): void {
    this.#orders.length = 0;
  }
}
