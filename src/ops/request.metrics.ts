import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';

/** Requests by route pattern, so that no user's id is in a label. */
const requestSeconds = new Histogram({
  name: 'cufflink_http_request_seconds',
  help: 'Duration of requests by method, route and class of the status',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
});

/** Measures every request of a server. Requests without a route count as the route `none`. */
export function measureRequests(fastify: FastifyInstance): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    requestSeconds.observe(
      { method: route === 'none' ? 'any' : request.method, route, status },
      reply.elapsedTime / 1_000,
    );
    done();
  });
}
