import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../access/access.decorators.js';
import { AllowHead } from '../http/request-rules.decorators.js';
import { ApiPublicProblems } from '../http/api-problems.decorator.js';
import { Database, type Statement } from '../database/database.js';

const ping: Statement = { name: 'ops-ping', text: 'SELECT 1 AS ok' };

@ApiTags('Operation')
@Controller('health')
@AllowHead()
export class HealthController {
  constructor(private readonly database: Database) {}

  @Get('live')
  @Public({ counted: false })
  @ApiOperation({ summary: 'Whether the process runs' })
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** @throws {@link DatabaseUnavailableError}, answered as 503, when PostgreSQL does not answer */
  @Get('ready')
  @Public({ counted: false })
  @ApiOperation({ summary: 'Whether calls can be served: 503 while the database does not answer' })
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  @ApiPublicProblems('DATABASE_UNAVAILABLE')
  async ready(): Promise<{ status: 'ok' }> {
    await this.database.query(ping);
    return { status: 'ok' };
  }
}
