import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../access/access.decorators.js';
import { AllowHead } from '../http/request-rules.decorators.js';
import { ApiPublicProblems } from '../http/api-problems.decorator.js';
import { Database, type Statement } from '../database/database.js';

/**
 * How long the response of the database holds, in milliseconds: however often anybody asks, the database is asked once
 * in this time.
 */
const holdsForMs = 1_000;

const ping: Statement = { name: 'ops-ping', text: 'SELECT 1 AS ok' };

@ApiTags('Operation')
@Controller('health')
@AllowHead()
export class HealthController {
  /** By a clock that only runs forward. */
  private askedAtMs = -Infinity;
  private isAsking = false;
  private response: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: Database) {}

  @Get('live')
  @Public({ counted: false })
  @ApiOperation({ summary: 'Check that the process is running' })
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /**
   * @throws {@link DatabaseUnavailableError}, as 503, when PostgreSQL does not respond, or did not within the last
   *   second
   */
  @Get('ready')
  @Public({ counted: false })
  @ApiOperation({ summary: 'Check that calls can be served; 503 while the database does not respond' })
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  @ApiPublicProblems('DATABASE_UNAVAILABLE')
  async ready(): Promise<{ status: 'ok' }> {
    await this.askDatabase();
    return { status: 'ok' };
  }

  private askDatabase(): Promise<unknown> {
    if (!this.isAsking && performance.now() - this.askedAtMs >= holdsForMs) {
      this.isAsking = true;
      this.askedAtMs = performance.now();
      this.response = this.database.query(ping).finally(() => {
        this.isAsking = false;
      });
    }
    return this.response;
  }
}
