import type { FastifyInstance } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';

/** The methods of our calls. `HEAD` is left out, because it is `GET` without the body. */
const methods: readonly HTTPMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Collects the routes of a server, to distinguish a wrong path from a wrong method (RFC 9110 section 15.5.6). Call it
 * before the routes are added.
 *
 * @param options - those of the server's own router
 * @returns a function that finds the methods of a path; none for an unknown path
 */
export function collectMethods(
  fastify: FastifyInstance,
  options: { readonly maxParamLength: number },
): (path: string) => readonly string[] {
  const router = findMyWay(options);
  const handler = (): void => undefined;
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat().filter((name) => methods.includes(name as HTTPMethod))) {
      if (!router.hasRoute(each as HTTPMethod, url)) {
        router.on(each as HTTPMethod, url, handler);
      }
    }
  });
  return (path) => methods.filter((method) => router.find(method, path) !== null);
}
