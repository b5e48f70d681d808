import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditHeadLog } from '../audit/audit-head-log.js';
import { auditConfig } from '../audit/audit.config.js';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { DrainingModule } from '../http/draining.js';
import { tokensConfig } from '../tokens/tokens.config.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { ReadinessService } from './readiness.js';

@Module({
  imports: [
    AuditModule,
    ClockModule,
    ConfigModule.forFeature(auditConfig),
    ConfigModule.forFeature(tokensConfig),
    DatabaseModule,
    DrainingModule,
    VaultKeysModule,
  ],
  controllers: [HealthController, MetricsController],
  providers: [AuditHeadLog, ReadinessService],
})
export class OpsModule {}
