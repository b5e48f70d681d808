import { Readable } from 'node:stream';
import { Controller, Delete, Get, Header, Param, Req, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { UserPath } from '../http/user-path.dto.js';
import { UserErasureService } from './user-erasure.service.js';
import { UserExportService } from './user-export.service.js';
import { UserExportResponse } from './user-export.dto.js';
import { ErasedUserResponse } from './users.dto.js';

@ApiTags('Users')
@ApiBearerAuth()
@Controller('v1/users/:user_id')
export class UsersController {
  constructor(
    private readonly erasure: UserErasureService,
    private readonly exports: UserExportService,
  ) {}

  @Get('export')
  @RequireScope('connections:read')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Export all data about a user, without tokens and secrets' })
  @ApiOkResponse({ type: UserExportResponse })
  @ApiProblems('KEY_UNAVAILABLE')
  async export(@Param() path: UserPath, @Req() request: AuthenticatedRequest): Promise<StreamableFile> {
    const text = await this.exports.export(path.user_id, requesterOf(request));
    return new StreamableFile(Readable.from(text), { type: 'application/json; charset=utf-8' });
  }

  @Delete()
  @RequireScope('connections:write')
  @ApiOperation({ summary: 'Erase all data about a user, and revoke the grants at the providers' })
  @ApiOkResponse({ type: ErasedUserResponse })
  @ApiProblems()
  async erase(@Param() path: UserPath, @Req() request: AuthenticatedRequest): Promise<ErasedUserResponse> {
    const { erasedAt, connections } = await this.erasure.erase(path.user_id, requesterOf(request));
    return {
      erased: true,
      erased_at: erasedAt.toISOString(),
      connections: connections.map(({ provider, outcome }) => ({ provider, provider_revocation: outcome })),
    };
  }
}
