import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { DatabaseModule } from '../database/database.module.js';
import { KeyRing } from './key-ring.js';
import { KeySource } from './key-source.js';
import { LocalKeySource } from './local-key-source.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';
import { VaultService } from './vault.service.js';

@Module({
  imports: [ConfigModule.forFeature(vaultConfig), DatabaseModule],
  providers: [
    {
      provide: KeySource,
      inject: [vaultConfig.KEY],
      useFactory: (config: VaultConfig) => new LocalKeySource(config.rootKey),
    },
    KeyRing,
    VaultService,
  ],
  exports: [VaultService],
})
export class VaultModule {}
