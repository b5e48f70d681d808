import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { KeyRingTimer } from './key-ring-timer.js';
import { VaultKeysModule } from './vault-keys.module.js';

/** The vault of a running service: what it seals and opens with, kept up to date. */
@Module({ imports: [ClockModule, VaultKeysModule], providers: [KeyRingTimer], exports: [VaultKeysModule] })
export class VaultModule {}
