import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createOidcServer,
  interactionPath,
  type OidcContext,
  type OidcServer,
  type PeerClient,
  type PeerOptions,
  type TokenEndpointBody,
} from './oidc-server.js';
import { PeerRecords } from './peer-records.js';
import { request } from '../../src/sandbox/testing/request.js';

/** One request that reached the token endpoint, and its response. */
export interface PeerTokenRequest {
  readonly grantType: string;
  /** Every way of client authentication that the request used. */
  readonly authentication: readonly ('basic' | 'body')[];
  readonly status: number;
  /** `error` of the response. */
  readonly error: string | undefined;
  /** Refresh token of the response. */
  readonly refreshToken: string | undefined;
}

/** Choices of the user on the peer's consent page. */
export interface PeerConsent {
  readonly account?: string;
  readonly decision?: 'approve' | 'deny';
  /** Scopes left ticked; all that were asked for when absent. */
  readonly scopes?: readonly string[];
}

/**
 * `oidc-provider`, an independent and certified OAuth 2.0 server, on a port of this machine: PKCE with S256 is
 * required, every refresh rotates the refresh token, and presenting a rotated one revokes the whole grant.
 *
 * It lives by the real clock. Tests make tokens expire by putting the application's clock forward; here they stay
 * valid.
 */
export class OidcPeer {
  /** In the order of their responses. */
  readonly tokenRequests: PeerTokenRequest[] = [];
  /** For the history checker; {@link forget} leaves them. */
  readonly records = new PeerRecords();
  private grantsRevoked = 0;
  private latencyMs = 0;
  private responseDelaysMs: number[] = [];
  private arrivalsMissing = 0;
  private stall: PromiseWithResolvers<void> | undefined;
  private inFlight = 0;
  private readonly waiting: (() => void)[] = [];
  private turn: Promise<void> = Promise.resolve();

  private constructor(
    readonly url: string,
    private readonly server: Server,
    private readonly provider: OidcServer,
  ) {}

  static async start(options: PeerOptions): Promise<OidcPeer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = createOidcServer(url, options);
    const peer = new OidcPeer(url, server, provider);
    provider.on('grant.revoked', (_context, grantId) => {
      peer.grantsRevoked += 1;
      peer.records.end(grantId);
    });
    provider.use((context, next) => peer.serve(context, next));
    server.on('request', provider.callback());
    return peer;
  }

  /** Grants revoked since the last {@link forget}, by a reuse or by a call of the revocation endpoint. */
  get revokedGrants(): number {
    return this.grantsRevoked;
  }

  /** Requests with this `grant_type` since the last {@link forget}. */
  requestsOf(grantType: 'authorization_code' | 'refresh_token'): PeerTokenRequest[] {
    return this.tokenRequests.filter((each) => each.grantType === grantType);
  }

  /** The refresh token issued last, as the application should hold it. */
  get lastRefreshToken(): string {
    const token = this.tokenRequests.findLast((each) => each.refreshToken !== undefined)?.refreshToken;
    if (token === undefined) {
      throw new Error('The peer has issued no refresh token.');
    }
    return token;
  }

  /** Token requests that have arrived and are not over. */
  get tokenRequestsInFlight(): number {
    return this.inFlight;
  }

  /** Forgets what was recorded, and responds at once again. */
  forget(): void {
    this.releaseTokenRequests();
    this.tokenRequests.length = 0;
    this.grantsRevoked = 0;
    this.latencyMs = 0;
    this.responseDelaysMs = [];
    this.arrivalsMissing = 0;
  }

  /** Lets this much time pass between the arrival of a token request and its processing. */
  delayTokenRequests(latencyMs: number): void {
    this.latencyMs = latencyMs;
  }

  /** Decides on the next refreshes at once, and keeps the response to each back for as long as the list says. */
  delayRefreshResponses(delaysMs: readonly number[]): void {
    this.responseDelaysMs = [...delaysMs];
  }

  /** Keeps token requests waiting until they are released. Nothing is done for a client that has hung up by then. */
  stallTokenRequests(): void {
    this.stall = Promise.withResolvers();
  }

  releaseTokenRequests(): void {
    this.stall?.resolve();
    this.stall = undefined;
  }

  /** Keeps token requests waiting until this many have arrived. */
  holdTokenRequests(count: number): void {
    this.arrivalsMissing = count;
  }

  /** Calls the userinfo endpoint and returns the HTTP status and the account that the token belongs to. */
  async userinfo(accessToken: string): Promise<{ status: number; account: unknown }> {
    const response = await request(`${this.url}/me`, { headers: { authorization: `Bearer ${accessToken}` } });
    const body = (await response.body.json()) as { sub?: unknown };
    return { status: response.statusCode, account: body.sub };
  }

  /** Posts a form to the token endpoint past the application. `authorization` replaces the correct Basic header. */
  async postToken(
    client: PeerClient,
    fields: Record<string, string>,
    authorization = basicHeader(client),
  ): Promise<{ status: number; error: unknown }> {
    const response = await request(`${this.url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization },
      body: new URLSearchParams(fields).toString(),
    });
    const body = (await response.body.json()) as { error?: unknown };
    return { status: response.statusCode, error: body.error };
  }

  /** Presents a refresh token past the application, as somebody who copied it would. */
  presentRefreshToken(client: PeerClient, refreshToken: string): Promise<{ status: number; error: unknown }> {
    return this.postToken(client, { grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  /** Signs in and consents, as a browser without JavaScript does. Returns the URL that the browser is sent back to. */
  async consent(authorizeUrl: string, choice: PeerConsent = {}): Promise<URL> {
    const cookies = new Map<string, string>();
    const page = await this.browse(new URL(authorizeUrl), cookies);
    if (page.origin !== this.url) {
      return page;
    }
    const { decision = 'approve', account = 'account-1', scopes } = choice;
    const form = new URLSearchParams({
      decision,
      account,
      ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    });
    return this.browse(page, cookies, form);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /**
   * Follows redirects up to the interaction page or away from the peer; keeps cookies, which the peer's pages rely on.
   */
  private async browse(start: URL, cookies: Map<string, string>, form?: URLSearchParams): Promise<URL> {
    let url = start;
    let body = form;
    while (url.origin === this.url && (body !== undefined || !url.pathname.startsWith(interactionPath))) {
      const response = await request(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        body: body?.toString() ?? null,
      });
      const page = await response.body.text();
      for (const cookie of [response.headers['set-cookie'] ?? []].flat()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        cookies.set(name ?? '', value ?? '');
      }
      const { location } = response.headers;
      if (typeof location !== 'string') {
        throw new Error(`The peer responds to ${url.pathname} with HTTP ${response.statusCode}: ${page.slice(0, 300)}`);
      }
      url = new URL(location, url);
      body = undefined;
    }
    return url;
  }

  private async serve(context: OidcContext, next: () => Promise<void>): Promise<void> {
    if (context.path.startsWith(interactionPath) && context.method === 'POST') {
      await this.decide(context);
    } else if (context.path === '/token' && context.method === 'POST') {
      await this.respondWithToken(context, next);
    } else {
      await next();
    }
  }

  /** Ends sign-in and consent with one form. There is no page to show: {@link consent} knows the fields. */
  private async decide(context: OidcContext): Promise<void> {
    const { provider } = this;
    const form = new URLSearchParams(await text(context.req));
    const { params } = await provider.interactionDetails(context.req, context.res);
    const asked = params.scope?.split(' ') ?? [];
    const ticked = form.get('scope')?.split(' ') ?? asked;
    let result: object = { error: 'access_denied' };
    if (form.get('decision') === 'approve') {
      const accountId = form.get('account') ?? '';
      const grant = new provider.Grant({ accountId, clientId: params.client_id });
      grant.addOIDCScope(asked.join(' '));
      const refused = asked.filter((scope) => !ticked.includes(scope));
      if (refused.length > 0) {
        grant.rejectOIDCScope(refused.join(' '));
      }
      result = { login: { accountId }, consent: { grantId: await grant.save() } };
    }
    context.status = 303;
    context.redirect(await provider.interactionResult(context.req, context.res, result));
  }

  /**
   * Delays, counts and records. Requests are processed one after the other, as in a provider's transaction: the peer
   * looks at a token and uses it up in two steps, and a second request between them would go unnoticed.
   */
  private async respondWithToken(context: OidcContext, next: () => Promise<void>): Promise<void> {
    const at = Date.now();
    this.inFlight += 1;
    const sent = Object.fromEntries(await peekForm(context.req));
    await this.arrival();
    const exchange = {
      kind: sent['grant_type'] === 'refresh_token' ? ('refresh' as const) : ('token' as const),
      at,
      presented: sent['refresh_token'],
    };
    if (context.req.socket.destroyed) {
      this.inFlight -= 1;
      this.records.add({ ...exchange, decidedAt: at, endsAt: Date.now(), status: 0, error: 'hung up' });
      return;
    }
    const turn = this.turn.then(next);
    this.turn = turn.catch(() => undefined);
    await turn;
    const decidedAt = Date.now();
    const delayMs = exchange.kind === 'refresh' ? this.responseDelaysMs.shift() : undefined;
    if (delayMs !== undefined) {
      await sleep(delayMs);
    }
    this.inFlight -= 1;
    const response = (context.body ?? {}) as TokenEndpointBody;
    this.tokenRequests.push({
      grantType: sent['grant_type'] ?? '',
      authentication: [
        ...(context.req.headers.authorization === undefined ? [] : (['basic'] as const)),
        ...(sent['client_secret'] === undefined ? [] : (['body'] as const)),
      ],
      status: context.status,
      error: response.error,
      refreshToken: response.refresh_token,
    });
    const { Grant: grant } = context.oidc?.entities ?? {};
    this.records.add({
      ...exchange,
      decidedAt,
      endsAt: Date.now(),
      status: context.status,
      error: response.error,
      ...(grant === undefined || response.access_token === undefined
        ? {}
        : {
            issued: {
              grantId: grant.jti,
              accountId: grant.accountId,
              accessToken: response.access_token,
              lifetimeSeconds: response.expires_in ?? 0,
              refreshToken: response.refresh_token,
            },
          }),
    });
  }

  private async arrival(): Promise<void> {
    if (this.arrivalsMissing > 0) {
      this.arrivalsMissing -= 1;
      if (this.arrivalsMissing > 0) {
        await new Promise<void>((resolve) => this.waiting.push(resolve));
      } else {
        this.waiting.splice(0).forEach((resume) => resume());
      }
    }
    await this.stall?.promise;
    if (this.latencyMs > 0) {
      await sleep(this.latencyMs);
    }
  }
}

/** Reads a form that comes in one piece, and leaves it where it is for the server. */
async function peekForm(request: IncomingMessage): Promise<URLSearchParams> {
  for (;;) {
    const bytes = request.read() as Buffer | null;
    if (bytes !== null) {
      request.unshift(bytes);
      return new URLSearchParams(bytes.toString());
    }
    await once(request, 'readable');
  }
}

/** Basic client authentication as RFC 6749 section 2.3.1 has it, by the platform's own encoder and not by ours. */
export function basicHeader({ id, secret }: PeerClient): string {
  const [user, password] = [id, secret].map((each) => new URLSearchParams([['', each]]).toString().slice(1));
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
