import { createHash } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { ConsoleCookie } from './console-cookie.js';
import { ConsoleResponse } from './console-response.js';
import { consoleScript } from './console-script.js';
import { ConsoleSessions } from './console-sessions.js';
import { fieldOf } from '../web/form-field.js';
import { signInPage } from './pages/console-page.js';

const scriptTag = `"${createHash('sha256').update(consoleScript).digest('base64url')}"`;

/** Signing in to the console and out of it, and its script. */
@ApiExcludeController()
@Controller('console')
export class ConsoleSessionController {
  constructor(
    private readonly response: ConsoleResponse,
    private readonly sessions: ConsoleSessions,
    private readonly cookie: ConsoleCookie,
  ) {}

  @Get('sign-in')
  @Public()
  async show(@Res() reply: FastifyReply): Promise<void> {
    await this.response.toAnyone(reply, () => Promise.resolve(signInPage()));
  }

  @Post('sign-in')
  @Public()
  @HttpCode(200)
  async signIn(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toAnyone(
      reply,
      async () => {
        this.response.checkOrigin(request);
        this.cookie.write(reply, await this.sessions.signIn(fieldOf(form, 'api_key').trim(), request));
        return { redirect: '/console' };
      },
      signInPage,
    );
  }

  @Post('sign-out')
  @Public()
  @HttpCode(200)
  async signOut(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async (operator) => {
      await this.sessions.signOut(this.cookie.read(request) ?? '', operator);
      this.cookie.clear(reply);
      return { redirect: '/console/sign-in' };
    });
  }

  /** Open to anyone: the script is the same for everybody. */
  @Get('console.js')
  @Public()
  async script(@Res() reply: FastifyReply): Promise<void> {
    await this.response.toAnyone(reply, () => {
      void reply.headers({
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'no-cache',
        etag: scriptTag,
      });
      return Promise.resolve(consoleScript);
    });
  }
}
