import { Module } from '@nestjs/common';
import { KeyRingTimer } from './key-ring-timer.js';
import { VaultKeysModule } from './vault-keys.module.js';

/** The vault of a running service: what it seals and opens with, kept up to date. */
@Module({ imports: [VaultKeysModule], providers: [KeyRingTimer], exports: [VaultKeysModule] })
export class VaultModule {}
