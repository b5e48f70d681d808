import { Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { OAuth2HealthProvider } from '../../src/provider-kit/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../../src/provider-kit/oauth2-provider.strategy.js';
import { defineProvider, type OAuth2Definition } from '../../src/provider-kit/provider-definition.js';
import { ProviderKitModule } from '../../src/provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import {
  environmentPrefix,
  readProviderSettings,
  type ProviderSettings,
} from '../../src/provider-kit/provider-settings.js';
import type { OAuth2SandboxMaker } from '../../src/provider-kit/sandbox-maker.js';
import { TokenEndpointClient } from '../../src/provider-kit/token-endpoint-client.js';
import type { OidcPeer, PeerClient } from './oidc-peer.js';

/*
 * Two providers built as a folder of src/providers is, for an `oidc-provider` of a test. They differ in client authentication.
 * The definitions name a host that cannot exist; the environment moves every endpoint to the peer's port.
 */

/** Scopes that the peer's user may untick. */
export const peerScopes = ['activity', 'sleep'] as const;

/** Nothing talks to it; a definition needs one. */
const sandbox: OAuth2SandboxMaker = {
  oauth: '2.0',
  authorizePath: '/auth',
  tokenPath: '/token',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: ['openid', 'offline_access', ...peerScopes],
  scopeInTokenAnswer: true,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 600,
  rotation: 'always',
  reuse: 'family-revoked',
  oldAccessTokenDiesOnRefresh: false,
  apiPath: '/me',
};

function definePeer(slug: string, clientAuthentication: OAuth2Definition['clientAuthentication']): OAuth2Definition {
  return defineProvider({
    slug,
    displayName: `Peer (${clientAuthentication})`,
    oauth: '2.0',
    lifecycle: { status: 'live' },
    authorizeUrl: 'https://peer.invalid/auth',
    tokenUrl: 'https://peer.invalid/token',
    apiBaseUrl: 'https://peer.invalid',
    defaultScopes: ['openid', 'offline_access', ...peerScopes],
    scopeSeparator: ' ',
    clientAuthentication,
    pkce: 'required',
    // Without it the peer leaves offline_access out (OpenID Connect Core section 11).
    extraAuthorizeParams: { prompt: 'consent' },
    grantedScopesIn: 'token-response',
    accessTokenLifetimeSeconds: undefined,
    account: { from: 'api', url: 'https://peer.invalid/me', field: 'sub' },
    refresh: {
      rotates: 'always',
      reuse: 'family-revoked',
      grace: 'none',
      oldAccessTokenDiesOnRefresh: false,
      timeoutMs: 5_000,
    },
    revocation: { proof: 'client', method: 'POST', url: 'https://peer.invalid/token/revocation' },
    docsUrl: 'https://github.com/panva/node-oidc-provider',
    uncertain: [],
    sandbox,
  });
}

const basicDefinition = definePeer('peer-basic', 'basic');
const basicConfig = registerAs('providers.peer-basic', () => readProviderSettings(basicDefinition, process.env));

@Injectable()
class PeerBasicStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(basicConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(basicDefinition, settings, client);
  }
}

@Injectable()
class PeerBasicProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(basicConfig.KEY) settings: ProviderSettings,
    strategy: PeerBasicStrategy,
    client: TokenEndpointClient,
  ) {
    super(basicDefinition, settings, strategy, client);
  }
}

/** Registers `peer-basic`, which authenticates with the Authorization header. */
@Module({
  imports: [ConfigModule.forFeature(basicConfig), ProviderKitModule],
  providers: [PeerBasicProvider, PeerBasicStrategy],
})
export class PeerBasicModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: PeerBasicProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}

const postDefinition = definePeer('peer-post', 'body');
const postConfig = registerAs('providers.peer-post', () => readProviderSettings(postDefinition, process.env));

@Injectable()
class PeerPostStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(postConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(postDefinition, settings, client);
  }
}

@Injectable()
class PeerPostProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(postConfig.KEY) settings: ProviderSettings,
    strategy: PeerPostStrategy,
    client: TokenEndpointClient,
  ) {
    super(postDefinition, settings, strategy, client);
  }
}

/** Registers `peer-post`, which authenticates in the form. */
@Module({
  imports: [ConfigModule.forFeature(postConfig), ProviderKitModule],
  providers: [PeerPostProvider, PeerPostStrategy],
})
export class PeerPostModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: PeerPostProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}

/** The variables that switch a peer provider on and move its endpoints to the peer. */
export function peerEnvironment(peer: OidcPeer, slug: string, client: PeerClient): Record<string, string> {
  const prefix = environmentPrefix(slug);
  return {
    [`${prefix}_CLIENT_ID`]: client.id,
    [`${prefix}_CLIENT_SECRET`]: client.secret,
    [`${prefix}_REDIRECT_URL`]: client.redirectUri,
    [`${prefix}_AUTH_URL`]: `${peer.url}/auth`,
    [`${prefix}_TOKEN_URL`]: `${peer.url}/token`,
    [`${prefix}_API_BASE_URL`]: peer.url,
  };
}
