import { describe, expect, it } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LinkCookies } from './link-cookies.js';
import type { LinksConfig } from './links.config.js';

const secret = 'A'.repeat(43);

describe('the cookies of links in a browser (AR-03)', () => {
  /**
   * Writes the cookie of a further link in a browser that has so many. Returns the names that are cleared and written.
   */
  function writeBeside(count: number): { cleared: string[]; written: string[] } {
    const cookies = new LinkCookies({ publicUrl: 'http://localhost:3000' } as LinksConfig);
    const names = Array.from({ length: count }, (_, at) => nameOf(at));
    const others = { 'cufflink-session-abc': secret, other: secret };
    const request = { cookies: { ...others, ...Object.fromEntries(names.map((name) => [name, secret])) } };
    const calls: [string, string][] = [];
    const reply = { setCookie: (name: string, value: string) => calls.push([name, value]) };
    cookies.writeLink(
      request as unknown as FastifyRequest,
      reply as unknown as FastifyReply,
      nameOf(99).slice('cufflink-'.length),
      secret,
    );
    const namesOf = (value: string): string[] => calls.filter((call) => call[1] === value).map(([name]) => name);
    return { cleared: namesOf(''), written: namesOf(secret) };
  }

  const nameOf = (at: number): string => `cufflink-0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a${10 + at}`;

  it.each([
    ['none', 0, []],
    ['nineteen', 19, []],
    ['twenty', 20, [nameOf(0)]],
    ['twenty-two', 22, [nameOf(0), nameOf(1), nameOf(2)]],
  ])('stay at twenty: beside %s of them, the oldest are forgotten, and no cookie of a session', (_, count, cleared) => {
    expect(writeBeside(count)).toEqual({ cleared, written: [nameOf(99)] });
  });
});
