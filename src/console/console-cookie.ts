import '@fastify/cookie';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { linksConfig, type LinksConfig } from '../links/links.config.js';
import { sessionLifetimeSeconds } from './console-sessions.js';

/**
 * The cookie of a console session. `SameSite=Strict`: the browser sends it with no request that another site has
 * caused. Over plain http, which only development has, a browser would refuse the name with `__Host-`.
 */
@Injectable()
export class ConsoleCookie {
  private readonly secure: boolean;
  private readonly name: string;

  constructor(@Inject(linksConfig.KEY) config: LinksConfig) {
    this.secure = config.publicUrl.startsWith('https:');
    this.name = `${this.secure ? '__Host-' : ''}cufflink-console`;
  }

  read({ cookies }: FastifyRequest): string | undefined {
    return cookies[this.name];
  }

  write(reply: FastifyReply, secret: string): void {
    this.set(reply, secret, sessionLifetimeSeconds);
  }

  clear(reply: FastifyReply): void {
    this.set(reply, '', 0);
  }

  private set(reply: FastifyReply, value: string, maxAge: number): void {
    void reply.setCookie(this.name, value, {
      path: '/',
      httpOnly: true,
      secure: this.secure,
      sameSite: 'strict',
      maxAge,
    });
  }
}
