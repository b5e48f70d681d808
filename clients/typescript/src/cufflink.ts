import { createApi, dataOf, type CufflinkApi, type Schemas } from './api.js';
import { Connections } from './connections.js';
import { Events, type CufflinkEvent } from './events.js';
import { Links } from './links.js';
import { ProviderProxy } from './proxy.js';
import { Tokens } from './tokens.js';
import type { TransportOptions } from './transport.js';
import { verifyWebhook, type ReceivedHeaders } from './webhooks.js';

/** Options of {@link Cufflink}. */
export interface CufflinkOptions {
  /** The address of your Cufflink, such as `https://link.example.com`. */
  readonly baseUrl: string;
  /** An API key, or the token of a user where a call allows it. Keep keys on servers. */
  readonly apiKey: string;
  /** The signing secret of your webhook endpoint, for `webhooks.verify`. */
  readonly webhookSecret?: string;
  /** Time limit for one try, 60 s by default. */
  readonly timeoutMs?: number;
  /** How often a call is tried again where that is safe, 2 by default. */
  readonly retries?: number;
  /** The longest pause before a try, 10 s by default. If Cufflink asks for a longer one, the call fails at once. */
  readonly maxRetryDelayMs?: number;
  /** Sends the requests; the global `fetch` by default. */
  readonly fetch?: typeof globalThis.fetch;
}

/** The client of the Cufflink API. Make one and share it. */
export class Cufflink {
  readonly links: Links;
  readonly connections: Connections;
  readonly tokens: Tokens;
  readonly events: Events;
  readonly webhooks: {
    /** Verifies a delivery with the `webhookSecret` of the options; see {@link verifyWebhook}. */
    verify(body: string | Uint8Array, headers: ReceivedHeaders): CufflinkEvent;
  };
  /** Every call of the API, with types, for what has no method here. */
  readonly api: CufflinkApi;
  readonly #baseUrl: string;
  readonly #transport: TransportOptions;

  constructor(options: CufflinkOptions) {
    const { baseUrl, apiKey, webhookSecret } = options;
    this.#baseUrl = new URL(baseUrl).href.replace(/\/+$/, '');
    this.#transport = {
      apiKey,
      fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
      timeoutMs: options.timeoutMs ?? 60_000,
      retries: options.retries ?? 2,
      maxRetryDelayMs: options.maxRetryDelayMs ?? 10_000,
    };
    this.api = createApi(this.#baseUrl, this.#transport);
    this.links = new Links(this.api);
    this.connections = new Connections(this.api);
    this.tokens = new Tokens(this.api);
    this.events = new Events(this.api);
    this.webhooks = {
      verify: (body, headers) => {
        if (webhookSecret === undefined) {
          throw new TypeError('Set webhookSecret in the options to verify deliveries.');
        }
        return verifyWebhook(webhookSecret, body, headers);
      },
    };
  }

  /** Lists the providers that users can link. */
  async providers(): Promise<Schemas['ProviderResponse'][]> {
    return (await dataOf(this.api.GET('/v1/providers'))).providers;
  }

  /** Calls a provider's API for a user. Your code never sees the token. */
  proxy(userId: string, provider: string): ProviderProxy {
    return new ProviderProxy(this.#baseUrl, userId, provider, this.#transport);
  }
}
