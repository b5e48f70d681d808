import '@fastify/cookie';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { linksConfig, type LinksConfig } from './links.config.js';

/** How long the browser keeps a cookie, in seconds; as long as the link or session that it belongs to. */
const lifetimeSeconds = 10 * 60;

/**
 * Cookies that bind a link to the browser that started it (AR-03).
 *
 * Over https their names begin with `__Host-`: no other host of the site can set or read them (RFC 6265bis section 4.1.3.2). Over
 * plain http, which only development has, a browser would refuse that name and `Secure`. `SameSite=Lax`, because the maker's page sends
 * the browser back; no cookie comes with what another site posts, frames or fetches.
 */
@Injectable()
export class LinkCookies {
  private readonly secure: boolean;

  constructor(@Inject(linksConfig.KEY) config: LinksConfig) {
    this.secure = config.publicUrl.startsWith('https:');
  }

  /**
   * Gives the browser a secret, for as long as a link or session lives.
   *
   * @param purpose - the id of a link, or `session`
   * @param secret - 43 base64url characters
   */
  write(reply: FastifyReply, purpose: string, secret: string): void {
    this.set(reply, purpose, secret, lifetimeSeconds);
  }

  /** Makes the browser forget a secret. */
  clear(reply: FastifyReply, purpose: string): void {
    this.set(reply, purpose, '', 0);
  }

  /** Returns the secret that the browser was given, if it was. */
  read({ cookies }: FastifyRequest, purpose: string): string | undefined {
    return cookies[this.nameOf(purpose)];
  }

  private set(reply: FastifyReply, purpose: string, secret: string, maxAge: number): void {
    const { secure } = this;
    void reply.setCookie(this.nameOf(purpose), secret, { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge });
  }

  private nameOf(purpose: string): string {
    return `${this.secure ? '__Host-' : ''}cufflink-${purpose}`;
  }
}
