import { Controller, Get, Inject, NotFoundException, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { AllowHead, AnyQuery } from '../http/request-rules.decorators.js';
import { companyConfig, type CompanyConfig } from '../web/company.config.js';

/** The company's logo, for the pages of this service. */
@ApiExcludeController()
@Controller('connect/logo')
@AnyQuery()
@AllowHead()
export class LogoController {
  constructor(@Inject(companyConfig.KEY) private readonly company: CompanyConfig) {}

  @Get()
  @Public()
  async show(@Res() reply: FastifyReply): Promise<void> {
    const { logo } = this.company;
    if (logo === undefined) {
      throw new NotFoundException();
    }
    // The policy of every response forbids the scripts of an SVG, also for a browser that opens it directly.
    await reply.headers({ 'content-type': logo.type, 'cache-control': 'public, max-age=3600' }).send(logo.bytes);
  }
}
