import { PassThrough, type TransformCallback } from 'node:stream';
import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify';
import { defaultNotificationBytes, largestBodyOf } from '../provider-kit/definition/notifications.js';
import type { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { bodyOf } from './request-bodies.js';

/**
 * Refuses the body of a notification, while it is read, if it is larger than its provider sends. Anybody can post to a
 * hook, and only one provider needs megabytes.
 */
export function limitNotificationBodies(fastify: FastifyInstance, registry: ProviderRegistry): void {
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    if (bodyOf(request.routeOptions.config) !== 'notification') {
      done(null, payload);
      return;
    }
    const limit = limitOf(request, registry);
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
      return;
    }
    done(null, payload.pipe(new LimitedBody(limit)));
  });
}

/** Passes a body on up to a number of bytes. */
class LimitedBody extends PassThrough {
  /** Fastify compares this with `content-length`. */
  receivedEncodedLength = 0;

  constructor(private readonly limit: number) {
    super();
  }

  override _transform(chunk: Buffer, encoding: BufferEncoding, callback: TransformCallback): void {
    this.receivedEncodedLength += chunk.length;
    if (this.receivedEncodedLength > this.limit) {
      callback(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    } else {
      super._transform(chunk, encoding, callback);
    }
  }
}

function limitOf({ params }: FastifyRequest, registry: ProviderRegistry): number {
  const { provider = '' } = params as { provider?: string };
  const limit = registry.has(provider) ? largestBodyOf(registry.get(provider).definition) : 0;
  // A hook that does not exist responds with 404.
  return Math.max(limit, defaultNotificationBytes);
}
