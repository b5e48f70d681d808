import { Controller, Delete, Param, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { UserPath } from '../http/user-path.dto.js';
import { UserErasureService } from './user-erasure.service.js';
import { ErasedUserResponse } from './users.dto.js';

@ApiTags('Users')
@ApiBearerAuth()
@Controller('v1/users/:user_id')
export class UsersController {
  constructor(private readonly erasure: UserErasureService) {}

  @Delete()
  @RequireScope('connections:write')
  @ApiOperation({ summary: 'Erase everything that is held of a user, and end the grants at the providers' })
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
