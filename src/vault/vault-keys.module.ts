import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { DatabaseModule } from '../database/database.module.js';
import { AwsKmsKeySource } from './aws-kms-key-source.js';
import { KeyAdministration } from './key-administration.js';
import { KeyRing } from './key-ring.js';
import { KeySource } from './key-source.js';
import { RotatingKeySource } from './rotating-key-source.js';
import { KeyStore } from './key-store.js';
import { LocalKeySource } from './local-key-source.js';
import { Reencryption } from './reencryption.js';
import { SealedRows } from './sealed-rows.js';
import { VaultTransitKeySource } from './vault-transit-key-source.js';
import { vaultConfig, type KeySourceSettings, type VaultConfig } from './vault.config.js';
import { VaultService } from './vault.service.js';

/** The key ring and its administration, without the background work of a running service. */
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

function createKeySource({ keySources }: VaultConfig): KeySource {
  const [first, ...others] = keySources.map(toKeySource);
  if (first === undefined) {
    throw new Error('No root key is configured.');
  }
  return new RotatingKeySource(first, others);
}

function toKeySource(settings: KeySourceSettings): KeySource {
  switch (settings.kind) {
    case 'local':
      return new LocalKeySource(settings.rootKey);
    case 'vault-transit':
      return new VaultTransitKeySource(settings);
    case 'aws-kms':
      return new AwsKmsKeySource(settings);
  }
}
