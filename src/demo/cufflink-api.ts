import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DemoPlace } from './demo-place.js';

/** Longer than Cufflink waits for a provider. */
const timeoutMs = 30_000;

const problemSchema = z.object({ code: z.string(), detail: z.string() });

const connectionSchema = z.object({
  provider: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  expires_at: z.string().nullable(),
  last_refreshed_at: z.string().nullable(),
  last_error: z.object({ code: z.string() }).nullable(),
});
export type DemoConnection = z.infer<typeof connectionSchema>;

const providerSchema = z.object({ slug: z.string(), name: z.string(), sandbox: z.boolean() });
export type DemoProvider = z.infer<typeof providerSchema>;

const eventSchema = z.object({
  id: z.string(),
  type: z.string(),
  timestamp: z.string(),
  data: z.object({ provider: z.string().optional(), reason: z.string().optional(), source: z.string() }),
});
export type DemoEvent = z.infer<typeof eventSchema>;

const eventPageSchema = z.object({
  events: z.array(eventSchema),
  next_cursor: z.string(),
  has_more: z.boolean(),
});

const tokenSchema = z.object({ fingerprint: z.string(), expires_at: z.string().nullable() });

/** A response of the API, and the call as the page shows it. */
export interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
  /** Such as `GET /v1/events: 200`. */
  readonly line: string;
}

/** Thrown when Cufflink refuses a call. */
export class ApiRefusal extends Error {
  constructor(
    readonly code: string,
    detail: string,
    readonly line: string,
  ) {
    super(detail);
    this.name = 'ApiRefusal';
  }
}

/** Calls Cufflink's public API over HTTP with an API key, as the application of a company does. */
@Injectable()
export class CufflinkApi {
  constructor(private readonly place: DemoPlace) {}

  async listProviders(): Promise<DemoProvider[]> {
    const { body } = await this.call('GET', '/v1/providers');
    return z.object({ providers: z.array(providerSchema) }).parse(body).providers;
  }

  async listConnections(userId: string): Promise<DemoConnection[]> {
    const { body } = await this.call('GET', `${pathOf(userId)}/connections`);
    return z.object({ connections: z.array(connectionSchema) }).parse(body).connections;
  }

  /** Returns the newest events of a user, the newest first. */
  async listEvents(userId: string, most: number): Promise<DemoEvent[]> {
    let events: DemoEvent[] = [];
    let after = '0';
    for (let hasMore = true; hasMore;) {
      const query = new URLSearchParams({ user_id: userId, after, limit: '1000' });
      const page = eventPageSchema.parse((await this.call('GET', `/v1/events?${query.toString()}`)).body);
      events = [...events, ...page.events].slice(-most);
      [after, hasMore] = [page.next_cursor, page.has_more];
    }
    return events.reverse();
  }

  /** @returns the URL of the hosted page, for the browser of this user */
  async startSession(userId: string, returnUrl: string): Promise<string> {
    const body = { user_id: userId, return_url: returnUrl, require_confirmation: true };
    const response = await this.call('POST', '/v1/link-sessions', body);
    return z.object({ connect_url: z.url() }).parse(response.body).connect_url;
  }

  confirmLink(linkId: string, userId: string, confirmationCode: string): Promise<ApiResponse> {
    const body = { user_id: userId, confirmation_code: confirmationCode };
    return this.call('POST', `/v1/links/${encodeURIComponent(linkId)}/confirm`, body);
  }

  /** Requests an access token and forgets it. The page shows only its fingerprint. */
  async readToken(userId: string, provider: string): Promise<z.infer<typeof tokenSchema> & { readonly line: string }> {
    const { body, line } = await this.call('GET', `${pathOf(userId, provider)}/token`);
    return { ...tokenSchema.parse(body), line };
  }

  /** @param path - of the provider's API, with a slash at its start */
  callProvider(userId: string, provider: string, path: string): Promise<ApiResponse> {
    return this.call('GET', `${pathOf(userId, provider)}/proxy${path}`);
  }

  refresh(userId: string, provider: string): Promise<ApiResponse> {
    return this.call('POST', `${pathOf(userId, provider)}/refresh`);
  }

  unlink(userId: string, provider: string): Promise<ApiResponse> {
    return this.call('DELETE', pathOf(userId, provider));
  }

  /** @throws {@link ApiRefusal} */
  private async call(method: string, path: string, body?: object): Promise<ApiResponse> {
    const { apiUrl, apiKey } = this.place.get();
    const response = await fetch(apiUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const line = `${method} ${path}: ${response.status}`;
    const content = parseBody(await response.text());
    // A response of the provider itself passes through the proxy with its status, and has another type.
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
    const problem = isProblem ? problemSchema.safeParse(content).data : undefined;
    if (problem !== undefined) {
      throw new ApiRefusal(problem.code, problem.detail, line);
    }
    return { status: response.status, body: content, line };
  }
}

function pathOf(userId: string, provider?: string): string {
  const user = `/v1/users/${encodeURIComponent(userId)}`;
  return provider === undefined ? user : `${user}/connections/${encodeURIComponent(provider)}`;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
