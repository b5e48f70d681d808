import { generateKeyPairSync, randomBytes, type JsonWebKey } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
// @ts-expect-error oidc-provider ships no type declarations; this file declares the part that the tests use.
import UntypedProvider from 'oidc-provider';

/** A confidential client registered at the peer. */
export interface PeerClient {
  readonly id: string;
  readonly secret: string;
  readonly authentication: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
  /** For `private_key_jwt`, the public key that the client has registered. */
  readonly key?: JsonWebKey & { readonly kid: string };
  readonly redirectUri: string;
}

/** How a peer is set up. */
export interface PeerOptions {
  readonly clients: readonly PeerClient[];
  /** Beside `openid` and `offline_access`. */
  readonly scopes: readonly string[];
  readonly accessTokenLifetimeSeconds: number;
  /** Whether authorization requests must be pushed (RFC 9126). */
  readonly requirePushedRequests?: boolean;
}

/** Path of the pages on which the user decides. */
export const interactionPath = '/interaction/';

/**
 * Creates the server. Its listener must be put on an HTTP server at the issuer's address.
 *
 * @param issuer - URL without a slash at its end
 */
export function createOidcServer(issuer: string, options: PeerOptions): OidcServer {
  return new (UntypedProvider as ProviderConstructor)(issuer, configuration(options));
}

function configuration(options: PeerOptions): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    adapter: memoryAdapters(options.clients),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES384'] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: {
        enabled: options.requirePushedRequests === true,
        requirePushedAuthorizationRequests: options.requirePushedRequests === true,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_context: unknown, caller: Owner, token: Owner) => isSame(caller, token),
      },
    },
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => interactionPath + uid },
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access', ...options.scopes],
    ttl: {
      AccessToken: options.accessTokenLifetimeSeconds,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3_600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 3_600,
    },
  };
}

/** The common part of a client and a token. */
interface Owner {
  readonly clientId?: string;
}

function isSame(caller: Owner, token: Owner): boolean {
  return caller.clientId === token.clientId;
}

type Payload = Record<string, unknown> & { grantId?: string; uid?: string; consumed?: number };

function registrationOf({ id, secret, authentication, redirectUri, key }: PeerClient): Payload {
  return {
    client_id: id,
    ...(key === undefined
      ? { client_secret: secret }
      : { jwks: { keys: [{ ...key }] }, token_endpoint_auth_signing_alg: 'ES384' }),
    token_endpoint_auth_method: authentication,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  };
}

/**
 * The storage that `oidc-provider` asks for. Its own warns on the console that it is for development, and forgets old
 * entries.
 */
function memoryAdapters(clients: readonly PeerClient[]): (model: string) => object {
  // Not in the configuration: `oidc-provider` clones that, and then takes no JWK set out of Jest's own realm.
  const stored = new Map<string, Payload>(clients.map((client) => [`Client:${client.id}`, registrationOf(client)]));
  return (model) => ({
    upsert: async (id: string, payload: Payload) => void stored.set(`${model}:${id}`, payload),
    find: async (id: string) => stored.get(`${model}:${id}`),
    findByUid: async (uid: string) =>
      [...stored].find(([key, payload]) => key.startsWith(`${model}:`) && payload.uid === uid)?.[1],
    findByUserCode: async () => undefined,
    consume: async (id: string) => {
      const payload = stored.get(`${model}:${id}`);
      if (payload !== undefined) {
        payload.consumed = Math.floor(Date.now() / 1_000);
      }
    },
    destroy: async (id: string) => void stored.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId: string) => {
      for (const [key, payload] of stored) {
        if (payload.grantId === grantId && key.startsWith(`${model}:`)) {
          stored.delete(key);
        }
      }
    },
  });
}

/** The response of the token endpoint. */
export interface TokenEndpointBody {
  readonly error?: string;
  readonly access_token?: string;
  readonly expires_in?: number;
  readonly refresh_token?: string;
}

/** The part of a Koa context that is used here. */
export interface OidcContext {
  readonly method: string;
  readonly path: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly oidc?: {
    readonly entities?: { readonly Grant?: { readonly jti: string; readonly accountId: string } };
  };
  status: number;
  body: unknown;
  redirect(url: string): void;
}

interface Grant {
  addOIDCScope(scope: string): void;
  rejectOIDCScope(scope: string): void;
  save(): Promise<string>;
}

/** The part of `oidc-provider` that is used here. */
export interface OidcServer {
  readonly Grant: new (fields: { accountId: string; clientId: string }) => Grant;
  on(event: 'grant.revoked', listener: (context: OidcContext, grantId: string) => void): void;
  use(middleware: (context: OidcContext, next: () => Promise<void>) => Promise<void>): void;
  callback(): RequestListener;
  interactionDetails(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ readonly params: { readonly client_id: string; readonly scope?: string } }>;
  interactionResult(request: IncomingMessage, response: ServerResponse, result: object): Promise<string>;
}

type ProviderConstructor = new (issuer: string, configuration: object) => OidcServer;
