import '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The users of the demo. */
export const demoUsers = ['user-1', 'user-2', 'user-3'] as const;
export type DemoUser = (typeof demoUsers)[number];

const cookie = 'cufflink-demo-user';

/** Tells whether a text is the id of a user of the demo. */
export function isDemoUser(text: string | undefined): text is DemoUser {
  return demoUsers.some((user) => user === text);
}

/** Returns the user that this browser has chosen. Your application has a sign-in here; the demo has none. */
export function readUser({ cookies }: FastifyRequest): DemoUser | undefined {
  const user = cookies[cookie];
  return isDemoUser(user) ? user : undefined;
}

export function writeUser(reply: FastifyReply, user: DemoUser): void {
  void reply.setCookie(cookie, user, { path: '/demo', httpOnly: true, sameSite: 'lax' });
}
