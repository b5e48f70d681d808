import { type INestApplicationContext, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { ClockModule } from '../../../src/clock/clock.module.js';
import { DatabaseModule } from '../../../src/database/database.module.js';
import { ProviderKitModule } from '../../../src/provider-kit/provider-kit.module.js';
import { ConnectionStore } from '../../../src/tokens/store/connection-store.js';
import { TokenVault } from '../../../src/tokens/store/token-vault.js';
import { tokensConfig } from '../../../src/tokens/tokens.config.js';
import { VaultModule } from '../../../src/vault/vault.module.js';
import { setEnvironment } from '../../support/application.js';

/** The parts that read and open stored tokens. None of them acts by itself. */
@Module({
  imports: [ConfigModule.forFeature(tokensConfig), ClockModule, DatabaseModule, ProviderKitModule, VaultModule],
  providers: [ConnectionStore, TokenVault],
})
class VaultReaderModule {}

/** Makes the tables, and opens what the replicas store; calls no provider. */
export async function startVaultReader(databaseUrl: string, rootKey: string): Promise<INestApplicationContext> {
  const restore = setEnvironment({
    NODE_ENV: 'test',
    ENVIRONMENT_NAME: 'test',
    DATABASE_URL: databaseUrl,
    ENCRYPTION_ROOT_KEY: rootKey,
  });
  try {
    return await NestFactory.createApplicationContext(VaultReaderModule, { logger: false, abortOnError: false });
  } finally {
    restore();
  }
}
