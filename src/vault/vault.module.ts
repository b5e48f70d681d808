import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { KeyRingTimer } from './key-ring-timer.js';
import { VaultKeysModule } from './vault-keys.module.js';

/** The vault of a running service, with the job that keeps its keys up to date. */
@Module({ imports: [ClockModule, VaultKeysModule], providers: [KeyRingTimer], exports: [VaultKeysModule] })
export class VaultModule {}
