import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope, Unlimited } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { LargeBody } from '../http/request-bodies.js';
import { ConnectionPath } from '../http/user-path.dto.js';
import { SignBody, SignResponse } from './signing.dto.js';
import { SigningService } from './signing.service.js';
import { tokenUseProblems } from './token-use-problems.js';

/** Signatures for calls that services send themselves. */
@ApiTags('Calls')
@ApiBearerAuth()
@Controller('v1/users/:user_id/connections')
export class SigningController {
  constructor(private readonly signing: SigningService) {}

  @Post(':provider/sign')
  @Unlimited()
  @LargeBody()
  @HttpCode(200)
  @RequireScope('tokens:sign')
  @ApiOperation({
    summary: "Sign one request to the provider's API (OAuth 1.0a)",
    description:
      'The token secret stays in Cufflink. The signature is valid once, within the minutes that the provider allows.',
  })
  @ApiOkResponse({ type: SignResponse })
  @ApiProblems('CALL_UNSUPPORTED', ...tokenUseProblems)
  async sign(
    @Param() path: ConnectionPath,
    @Body() body: SignBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<SignResponse> {
    return {
      authorization: await this.signing.sign(path.user_id, path.provider, body, requesterOf(request)),
    };
  }
}
