import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { PeriodicTask } from '../clock/periodic-task.js';
import { formatHead } from './audit-head.js';
import { AuditTrail } from './audit-trail.js';
import { auditConfig, type AuditConfig } from './audit.config.js';

/**
 * Writes into the log how far this process has written the audit trail, every few minutes and at its end. Logs usually are elsewhere
 * already, so that entries cut off in the database are missed there: `audit verify --heads` compares (LOG-05).
 */
@Injectable()
export class AuditHeadLog implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger(AuditHeadLog.name);
  private readonly rounds = new PeriodicTask(async () => this.write());
  private written = '';

  constructor(
    private readonly trail: AuditTrail,
    @Inject(auditConfig.KEY) private readonly config: AuditConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start(this.config.headLogMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
  }

  /** Everything has been recorded by now. */
  onApplicationShutdown(): void {
    this.write();
  }

  private write(): void {
    const { head } = this.trail;
    const line = head === undefined ? '' : formatHead(head);
    if (line !== this.written) {
      this.logger.log(line);
      this.written = line;
    }
  }
}
