import { Injectable } from '@nestjs/common';
import { LinkSessionsService, type OpenLinkSession } from '../links/sessions/link-sessions.service.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { registrationId } from '../provider-kit/registration.js';
import { CircuitBreakerService } from '../tokens/circuit-breaker/circuit-breaker.service.js';
import { TokensService } from '../tokens/tokens.service.js';

/** One provider as the page shows it. */
export interface Device {
  readonly slug: string;
  readonly name: string;
  readonly brandColor: string | undefined;
  /** `ended`: the connection has ended, and no new link can replace it. */
  readonly state: 'new' | 'connected' | 'needsLink' | 'ended';
  /** Whether the provider has trouble at the moment. */
  readonly isOut: boolean;
}

/** Lists the devices of a session, with their states. */
@Injectable()
export class Devices {
  constructor(
    private readonly sessions: LinkSessionsService,
    private readonly registry: ProviderRegistry,
    private readonly tokens: TokensService,
    private readonly circuits: CircuitBreakerService,
  ) {}

  /** Returns the devices of a session: the user's own first, then those that can be linked, each sorted by name. */
  async list(session: OpenLinkSession): Promise<Device[]> {
    const [own, open] = await Promise.all([this.listOwn(session), this.circuits.listOpen()]);
    const linkable = this.sessions.listProviders(session);
    const linkableSlugs = new Set(linkable.map(({ definition }) => definition.slug));
    const offered = linkable.filter(({ definition }) => !own.has(definition.slug));
    const toDevice = (provider: HealthProvider): Device => {
      const { slug, displayName, brandColor } = provider.definition;
      const state = own.get(slug) ?? 'new';
      return {
        slug,
        name: displayName,
        brandColor,
        state: state === 'needsLink' && !linkableSlugs.has(slug) ? 'ended' : state,
        isOut: open.has(registrationId(provider)),
      };
    };
    return [...[...own.keys()].map((slug) => this.registry.get(slug)).sort(byName), ...offered].map(toDevice);
  }

  /** Returns the only device of a session that is for one provider unless the session may show that it is connected. */
  async findOnly(session: OpenLinkSession): Promise<string | undefined> {
    const [only, ...others] = this.sessions.listProviders(session);
    if (only === undefined || others.length > 0) {
      return undefined;
    }
    const { slug } = only.definition;
    return (await this.listOwn(session)).has(slug) ? undefined : slug;
  }

  private async listOwn(session: OpenLinkSession): Promise<Map<string, Exclude<Device['state'], 'new' | 'ended'>>> {
    if (session.connectionAccess === 'none') {
      return new Map();
    }
    const connections = await this.tokens.list(session.userId);
    return new Map(
      connections
        .filter(({ provider }) => this.registry.has(provider) && session.providers?.includes(provider) !== false)
        .map((connection) => [
          connection.provider,
          this.tokens.stateOf(connection).status === 'active' ? 'connected' : 'needsLink',
        ]),
    );
  }
}

function byName({ definition: left }: HealthProvider, { definition: right }: HealthProvider): number {
  return left.displayName.localeCompare(right.displayName, 'en');
}
