import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { EventRecorder } from '../../events/event-recorder.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';

const dayMs = 24 * 3_600_000;
/** Days from each notice to the end of the provider's API. */
const noticeDays = [90, 30, 7, 1];
const pauseMs = 3_600_000;

/**
 * Notifies the company of providers that will shut down. Each notice has an id of its own, so every replica may write
 * it.
 */
@Injectable()
export class RetirementNotices {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly events: EventRecorder,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: RetirementNotices.name, run: () => this.sweep() });
  }

  /**
   * Writes the notices that are due.
   *
   * @returns milliseconds until the next call
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    for (const provider of this.registry.list()) {
      await this.tell(provider);
    }
    return pauseMs;
  }

  private async tell({ definition: { slug, lifecycle }, settings }: HealthProvider): Promise<void> {
    if (lifecycle.status === 'live' || settings.mode === 'not-configured') {
      return;
    }
    const { sunsetAt, replacedBy } = lifecycle;
    const daysLeft = (Date.parse(`${sunsetAt}T00:00:00Z`) + dayMs - this.clock.now().getTime()) / dayMs;
    const notice = noticeDays.findLast((days) => daysLeft <= days);
    if (notice === undefined || daysLeft <= 0) {
      return;
    }
    await this.events.recordOnce(
      `provider.retiring ${slug} ${sunsetAt} ${notice}`,
      {
        type: 'provider.retiring',
        source: 'operator',
        proof: 'confirmed',
        details: { sunset_at: sunsetAt, replaced_by: replacedBy ?? null },
      },
      slug,
    );
  }
}
