import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AnyCaller } from '../access/access.decorators.js';
import { Clock } from '../clock/clock.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { lifecycleAt, successorOf } from '../provider-kit/definition/lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { ProviderListResponse, ProviderResponse } from './providers.dto.js';

@ApiTags('Providers')
@ApiBearerAuth()
@Controller('v1/providers')
export class ProvidersController {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly clock: Clock,
  ) {}

  @Get()
  @AnyCaller()
  @ApiOperation({ summary: 'List the providers' })
  @ApiOkResponse({ type: ProviderListResponse })
  @ApiProblems()
  list(): ProviderListResponse {
    const now = this.clock.now();
    return { providers: this.registry.list().map((provider) => toResponse(provider, now)) };
  }
}

function toResponse({ definition, settings }: HealthProvider, now: Date): ProviderResponse {
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
  };
}
