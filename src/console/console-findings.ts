import { Inject, Injectable } from '@nestjs/common';
import { checkDatabase } from '../cli/check-database.js';
import { checkProvider, checkService, groupDisabled, type Finding } from '../cli/doctor.js';
import { Clock } from '../clock/clock.js';
import { ProviderHealth } from '../fleet/provider-health.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { consoleConfig, type ConsoleConfig } from './console.config.js';

/** How long findings are kept, in milliseconds, because they need connections of their own to the database. */
const cacheMs = 60_000;

/** The findings of `doctor` about this process. */
@Injectable()
export class ConsoleFindings {
  private cached: { readonly at: number; readonly findings: Promise<Finding[]> } | undefined;

  constructor(
    private readonly registry: ProviderRegistry,
    private readonly health: ProviderHealth,
    private readonly clock: Clock,
    @Inject(consoleConfig.KEY) private readonly config: ConsoleConfig,
  ) {}

  read(): Promise<Finding[]> {
    if (this.cached === undefined || performance.now() - this.cached.at > cacheMs) {
      const findings = this.find();
      this.cached = { at: performance.now(), findings };
      findings.catch(() => (this.cached = undefined));
    }
    return this.cached.findings;
  }

  private async find(): Promise<Finding[]> {
    const { environment } = this.config;
    const today = this.clock.now().toISOString().slice(0, 10);
    const providers = this.registry.list();
    const health = await this.health.of(providers);
    return [
      ...checkService(environment),
      ...(await checkDatabase(environment)),
      ...groupDisabled(
        providers.map((provider) => checkProvider(provider, today, health.get(provider.definition.slug)?.active)),
      ),
    ];
  }
}
