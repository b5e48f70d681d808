import type { ProviderDefinition } from '../../../src/provider-kit/definition/provider-definition.js';
import { VendorSandbox } from '../../../src/sandbox/vendor-sandbox.js';
import { consent } from '../../../src/sandbox/testing/consent.js';
import type { RecordingProxy } from '../../support/recording-proxy.js';
import { request } from '../../../src/sandbox/testing/request.js';
import { parseObject, type RememberedSecrets } from './remembered-secrets.js';

/** A public response of the service, with what it is there to tell. */
export interface SeenResponse {
  readonly call: string;
  readonly status: number;
  readonly headers: string;
  readonly body: string;
  readonly json: Record<string, unknown>;
}

/** A running service, with what stands between it and its providers. */
export interface TalkativeService {
  readonly url: string;
  /** An API key with every scope. */
  readonly key: string;
  readonly databaseUrl: string;
  readonly sandbox: VendorSandbox;
  readonly proxy: RecordingProxy;
  readonly production: boolean;
}

/** Calls the service as its callers and browsers do, and keeps each response and each secret that it meets. */
export class RecordingCaller {
  readonly responses: SeenResponse[] = [];
  readonly states: string[] = [];
  private userCount = 0;

  constructor(
    readonly service: TalkativeService,
    readonly secrets: RememberedSecrets,
  ) {}

  async link(definition: ProviderDefinition): Promise<string> {
    await this.finish(await this.approved(definition));
    return `user-${this.userCount}`;
  }

  async approved(definition: ProviderDefinition): Promise<URL> {
    const callback = await consent((await this.start(definition)).linkWebUrl, {
      account: String(1_000 + this.userCount),
    });
    this.secrets.remember('authorization code', callback.searchParams.get('code'));
    this.secrets.remember('OAuth 1.0a verifier', callback.searchParams.get('oauth_verifier'));
    return callback;
  }

  async start(definition: ProviderDefinition): Promise<{ linkWebUrl: string; state: string }> {
    this.userCount += 1;
    const { json } = await this.call('POST', `/v1/users/user-${this.userCount}/connections/${definition.slug}/link`);
    const { link_web_url: linkWebUrl = '', state = '' } = json as Record<string, string>;
    if (state !== '') {
      this.states.push(state);
      this.secrets.remember('state', state);
    }
    // The browser does not ask who the provider is.
    return { linkWebUrl: linkWebUrl.replace(this.service.proxy.url, this.service.sandbox.url), state };
  }

  finish(callback: URL): Promise<SeenResponse> {
    return this.call('GET', callback.pathname + callback.search);
  }

  async call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string,
    type?: string,
    authorization = this.service.key,
  ): Promise<SeenResponse> {
    const isCallback = path.startsWith('/v1/oauth/');
    const response = await request(`${this.service.url}${path}`, {
      method,
      headers: {
        ...(authorization === '' || isCallback ? {} : { authorization: `Bearer ${authorization}` }),
        ...(type === undefined ? {} : { 'content-type': type }),
      },
      body: body ?? null,
    });
    const text = await response.body.text();
    const isJson = /json/.test(String(response.headers['content-type']));
    const seen: SeenResponse = {
      call: `${method} ${path.split('?', 1)[0]}`,
      status: response.statusCode,
      headers: JSON.stringify(response.headers),
      body: text,
      json: (isJson ? parseObject(text) : undefined) ?? {},
    };
    this.responses.push(seen);
    return seen;
  }
}
