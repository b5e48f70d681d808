import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { formatHead } from './audit-head.js';
import { AuditTrail } from './audit-trail.js';
import { auditConfig, type AuditConfig } from './audit.config.js';

/**
 * Writes into the log how far this process has written the audit trail, every few minutes and at its end. Logs usually
 * are elsewhere already, so that entries cut off in the database are missed there: `audit verify --heads` compares
 * (LOG-05).
 */
@Injectable()
export class AuditHeadLog implements OnApplicationShutdown {
  private readonly logger = new Logger(AuditHeadLog.name);
  private written = '';

  constructor(
    private readonly trail: AuditTrail,
    jobs: BackgroundJobs,
    @Inject(auditConfig.KEY) { headLogMs }: AuditConfig,
  ) {
    jobs.add('everywhere', {
      name: AuditHeadLog.name,
      firstRunInMs: headLogMs,
      run: () => {
        this.write();
        return Promise.resolve(headLogMs);
      },
    });
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
