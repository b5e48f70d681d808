import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { DatabaseModule } from '../database/database.module.js';
import { KeyAdministration } from './key-administration.js';
import { KeyRing } from './key-ring.js';
import { KeySource } from './key-source.js';
import { KeySources } from './key-sources.js';
import { KeyStore } from './key-store.js';
import { LocalKeySource } from './local-key-source.js';
import { Reencryption } from './reencryption.js';
import { SealedRows } from './sealed-rows.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';
import { VaultService } from './vault.service.js';

/** The key ring and its administration, without what only a running service does. */
@Module({
  imports: [ConfigModule.forFeature(vaultConfig), DatabaseModule],
  providers: [
    { provide: KeySource, inject: [vaultConfig.KEY], useFactory: createKeySource },
    KeyStore,
    KeyRing,
    KeyAdministration,
    Reencryption,
    SealedRows,
    VaultService,
  ],
  exports: [ConfigModule, KeyStore, KeyRing, KeyAdministration, Reencryption, VaultService],
})
export class VaultKeysModule {}

function createKeySource({ rootKey, previousRootKey }: VaultConfig): KeySource {
  const previous = previousRootKey === undefined ? [] : [new LocalKeySource(previousRootKey)];
  return new KeySources(new LocalKeySource(rootKey), previous);
}
