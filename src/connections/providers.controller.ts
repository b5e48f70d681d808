import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AnyCaller } from '../access/access.decorators.js';
import { Clock } from '../clock/clock.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import { ProviderHealth, type RefreshHealth } from '../fleet/provider-health.js';
import { lifecycleAt, successorOf } from '../provider-kit/definition/lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { ProviderHealthResponse, ProviderListResponse, ProviderResponse } from './providers.dto.js';

@ApiTags('Providers')
@ApiBearerAuth()
@Controller('v1/providers')
export class ProvidersController {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly clock: Clock,
    private readonly health: ProviderHealth,
  ) {}

  @Get()
  @AnyCaller()
  @ApiOperation({ summary: 'List the providers' })
  @ApiOkResponse({ type: ProviderListResponse })
  @ApiProblems()
  async list(): Promise<ProviderListResponse> {
    const now = this.clock.now();
    const providers = this.registry.list();
    const health = await this.health.of(providers).catch((error: unknown) => {
      // The list itself needs no database.
      if (error instanceof DatabaseUnavailableError) {
        return undefined;
      }
      throw error;
    });
    return { providers: providers.map((provider) => toResponse(provider, now, health?.get(provider.definition.slug))) };
  }
}

function toResponse(
  { definition, settings }: HealthProvider,
  now: Date,
  health: RefreshHealth | undefined,
): ProviderResponse {
  const lifecycle = lifecycleAt(definition.lifecycle, now);
  return {
    slug: definition.slug,
    name: definition.displayName,
    oauth_version: definition.oauth,
    configured: settings.mode !== 'not-configured',
    sandbox: settings.mode === 'sandbox',
    lifecycle: lifecycle.status,
    sunset_at: lifecycle.status === 'live' ? null : lifecycle.sunsetAt,
    replaced_by: successorOf(lifecycle) ?? null,
    default_scopes: [...settings.scopes],
    health: health === undefined ? null : toHealthResponse(health),
  };
}

function toHealthResponse({ circuitBreaker, retryAt, failingShare, countedAt }: RefreshHealth): ProviderHealthResponse {
  return {
    circuit_breaker: circuitBreaker,
    retry_at: retryAt?.toISOString() ?? null,
    failing_share: failingShare === null ? null : Number(failingShare.toFixed(3)),
    counted_at: countedAt?.toISOString() ?? null,
  };
}
