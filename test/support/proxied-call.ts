import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { TestApplication } from './application.js';

/** One call through the proxy, as a service makes it. */
export interface ProxiedCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly user?: string;
}

/** The response of the service. */
export interface ProxiedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Calls providers through an application, with a key that may do nothing else. */
export class ProxyCaller {
  private constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  static async of(application: TestApplication): Promise<ProxyCaller> {
    return new ProxyCaller(await application.app.getUrl(), await application.createKey('tokens:sign'));
  }

  /** Sends the target byte for byte: most clients tidy URLs up, which would hide what is tested. */
  call(slug: string, target: string, { user = 'the-user', ...call }: ProxiedCall = {}): Promise<ProxiedResponse> {
    return this.send(`/v1/users/${user}/connections/${slug}/proxy/${target}`, call);
  }

  sign(slug: string, body: object, user = 'the-user'): Promise<ProxiedResponse> {
    const headers = { 'content-type': 'application/json' };
    return this.send(`/v1/users/${user}/connections/${slug}/sign`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
  }

  /** @param path - path and query, or any other text for the request line */
  async send(
    path: string,
    { method = 'GET', headers = {}, body }: Omit<ProxiedCall, 'user'> = {},
  ): Promise<ProxiedResponse> {
    const { hostname, port } = new URL(this.url);
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const outgoing = request({
      hostname,
      port,
      path,
      method,
      headers: { authorization: `Bearer ${this.key}`, ...length, ...headers },
      agent: false,
    });
    outgoing.end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      chunks.push(chunk);
    }
    const response = Buffer.concat(chunks);
    const isJson = /\bjson\b/.test(incoming.headers['content-type'] ?? '') && response.length > 0;
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      body: response,
      json: isJson ? (JSON.parse(response.toString()) as Record<string, unknown>) : {},
    };
  }
}
