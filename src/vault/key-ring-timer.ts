import { randomUUID } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { BackgroundJob } from '../clock/background-job.js';
import { BackgroundJobs } from '../clock/background-jobs.js';
import type { HeldKey } from './held-key.js';
import { KeyRing } from './key-ring.js';
import { KeyStore } from './key-store.js';
import { rotationReason } from './key-usage.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';
import { keyAges, keyOperations } from './vault.metrics.js';

/** A replica without a report for this many rounds counts as dead. */
const missedRounds = 3;

/**
 * Keeps the key ring of a running service up to date. Every round it reports the number of sealed values and reads the
 * keys. Then it tells the other replicas which keys it has, and warns of keys that should be replaced.
 */
@Injectable()
export class KeyRingTimer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeyRingTimer.name);
  private readonly replicaId = randomUUID();
  private readonly warnedOf = new Set<string>();
  private readonly rounds: BackgroundJob;

  constructor(
    private readonly keyRing: KeyRing,
    private readonly store: KeyStore,
    jobs: BackgroundJobs,
    @Inject(vaultConfig.KEY) private readonly config: VaultConfig,
  ) {
    this.rounds = jobs.add('everywhere', {
      name: KeyRingTimer.name,
      firstRunInMs: config.reloadMs,
      run: async () => {
        await this.runRound().catch((error: unknown) => this.logger.error(error));
        return config.reloadMs;
      },
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.keyRing.usableKids().length === 0) {
      // The database is too slow for the keys. The rounds read them again, and readiness shows why the process waits.
      return;
    }
    await this.runRound();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
    try {
      await this.keyRing.reload();
      await this.store.leave(this.replicaId);
    } catch (error) {
      this.logger.warn(`The last round of the key ring failed: ${error instanceof Error ? error.message : 'unknown'}`);
    }
  }

  private async runRound(): Promise<void> {
    await this.keyRing.reload();
    await this.store.beat(this.replicaId, this.keyRing.usableKids(), this.config.reloadMs * missedRounds);
    this.keyRing.list().forEach((held) => this.observe(held));
  }

  private observe(held: HeldKey): void {
    const { purpose, state, activeForSeconds } = held.stored;
    if (state !== 'active') {
      return;
    }
    keyOperations.set({ purpose }, held.operations);
    keyAges.set({ purpose }, activeForSeconds);
    const reason = rotationReason(held.operations, activeForSeconds);
    if (reason !== undefined && !this.warnedOf.has(held.kid)) {
      this.warnedOf.add(held.kid);
      this.logger.warn(`Key ${held.kid} of ${purpose} should be replaced: ${reason}. See docs/keys.md.`);
    }
  }
}
