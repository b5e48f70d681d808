import '@fastify/cookie';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isUUID } from 'class-validator';
import { linksConfig, type LinksConfig } from './links.config.js';

/** The most open links of a browser. More cookies would make its requests too large to be accepted. */
const maxLinks = 20;
/** Lifetime of a cookie in seconds: that of its link or session. */
const lifetimeSeconds = 10 * 60;

/**
 * Returns the purpose of a session's cookie. A browser may have several sessions, and each has a cookie of its own.
 *
 * @param handle - of the session
 */
export function sessionPurpose(handle: string): string {
  return `session-${handle}`;
}

/**
 * Cookies that bind a link to the browser that started it (AR-03).
 *
 * Over https their names begin with `__Host-`: no other host of the site can set or read them (RFC 6265bis section
 * 4.1.3.2). Over plain http, which only development has, a browser would refuse that name and `Secure`. They are
 * `SameSite=Lax`, because the provider's page sends the browser back. No cookie comes with a form, frame or fetch of
 * another site.
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
   * @param purpose - the id of a link, or {@link sessionPurpose}
   * @param secret - 43 base64url characters
   */
  write(reply: FastifyReply, purpose: string, secret: string): void {
    this.set(reply, purpose, secret, lifetimeSeconds);
  }

  /** Gives the browser the secret of a link. Removes the oldest secrets if there would be too many. */
  writeLink(request: FastifyRequest, reply: FastifyReply, linkId: string, secret: string): void {
    // A browser sends the oldest first (RFC 6265 section 5.4).
    const surplus = [...this.readLinks(request).keys()].slice(0, 1 - maxLinks);
    surplus.forEach((id) => this.clear(reply, id));
    this.write(reply, linkId, secret);
  }

  /** Makes the browser forget a secret. */
  clear(reply: FastifyReply, purpose: string): void {
    // Some clients know no Max-Age.
    this.set(reply, purpose, '', 0, new Date(0));
  }

  /** Returns the browser's secrets of links, by the id of the link. */
  readLinks({ cookies }: FastifyRequest): ReadonlyMap<string, string> {
    const start = this.nameOf('');
    return new Map(
      Object.entries(cookies).flatMap(([name, secret]) => {
        const id = name.startsWith(start) ? name.slice(start.length) : '';
        return secret !== undefined && isUUID(id) ? [[id, secret] as const] : [];
      }),
    );
  }

  /** Returns the browser's secret for a purpose, if it has one. */
  read({ cookies }: FastifyRequest, purpose: string): string | undefined {
    return cookies[this.nameOf(purpose)];
  }

  private set(reply: FastifyReply, purpose: string, secret: string, maxAge: number, expires?: Date): void {
    void reply.setCookie(this.nameOf(purpose), secret, {
      path: '/',
      httpOnly: true,
      secure: this.secure,
      sameSite: 'lax',
      maxAge,
      ...(expires === undefined ? {} : { expires }),
    });
  }

  private nameOf(purpose: string): string {
    return `${this.secure ? '__Host-' : ''}cufflink-${purpose}`;
  }
}
