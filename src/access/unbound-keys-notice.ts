import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ApiKeyStore } from './api-key-store.js';
import { apiKeysConfig, type ApiKeysConfig } from './api-keys.config.js';

/**
 * Logs at the start of a service whether it accepts API keys that are not bound to their permissions (AR-27).
 */
@Injectable()
export class UnboundKeysNotice implements OnApplicationBootstrap {
  private readonly logger = new Logger(UnboundKeysNotice.name);

  constructor(
    private readonly store: ApiKeyStore,
    @Inject(apiKeysConfig.KEY) private readonly config: ApiKeysConfig,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const unbound = await this.store.countUnbound();
    const remedy = 'Run `npm run cli -- api-keys bind` (docs/access.md)';
    if (this.config.acceptUnbound) {
      this.logger.warn(
        `UNBOUND_API_KEYS is "accept": anyone who can write to the database can create API keys. ${remedy}, then remove the variable. ` +
          `API keys in use that are not bound: ${unbound}.`,
      );
    } else if (unbound > 0) {
      this.logger.error(`API keys that are not bound to their permissions are rejected: ${unbound}. ${remedy}.`);
    }
  }
}
