import { isUtf8 } from 'node:buffer';
import { RouteConfig } from '@nestjs/platform-fastify';
import { errorCodes, type FastifyBodyParser, type FastifyInstance } from 'fastify';
import { largestNotificationBytes } from '../provider-kit/definition/notifications.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import { findJsonObjection, type JsonLimits } from './flat-json.js';

/** The largest body of most calls: of the proxy, of a signature, and the form of a callback. */
export const largestBodyBytes = 64 * 1024;
/** JSON of this API: a user, a few scopes, a URL. */
const jsonBodyBytes = 4 * 1024;

/** The body of a batch. */
const batchBodyBytes = 1024 * 1024;
const batchJson: JsonLimits = { depth: 5, members: 10_000 };

/** The body of a route, if it is not JSON of at most 4 KiB. */
export interface BodyConfig {
  /** `batch`: JSON of many rows. `notification`: as `raw`; the provider in the path decides the largest size. */
  readonly body?: 'raw' | 'large' | 'batch' | 'notification';
}

const limits = {
  raw: largestBodyBytes,
  large: largestBodyBytes,
  batch: batchBodyBytes,
  notification: largestNotificationBytes,
} as const satisfies Record<NonNullable<BodyConfig['body']>, number>;

/**
 * Gives a route the bytes of its body, of any content type: a `Buffer`, or `undefined` without a body.
 */
export const RawBody = () => RouteConfig({ body: 'raw' } satisfies BodyConfig);

/** Lets a route have JSON of up to 1 MiB, of many rows. */
export const BatchBody = () => RouteConfig({ body: 'batch' } satisfies BodyConfig);

/** Lets a route have JSON of up to 64 KiB. */
export const LargeBody = () => RouteConfig({ body: 'large' } satisfies BodyConfig);

/**
 * Sets how bodies are read. JSON is parsed, forms and plain text arrive as text, anything else is refused. Routes with
 * {@link RawBody} take every content type as bytes, unless it is malformed.
 *
 * JSON is refused by size, depth and number of members before anything else looks at it (AR-14). A request
 * without bytes has no body, even if it names a content type: many HTTP layers always send one.
 */
export function addBodyParsers(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const body = bodyOf(route.config);
    if (body !== undefined) {
      route.bodyLimit = limits[body];
    }
  });
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  const add = (contentType: string, bodyLimit: number, parse: FastifyBodyParser<Buffer>): void => {
    fastify.addContentTypeParser(contentType, { parseAs: 'buffer', bodyLimit }, (request, body: Buffer, done) => {
      if (isRaw(request.routeOptions.config)) {
        done(null, body);
      } else if (body.length === 0) {
        done(null, undefined);
      } else {
        void parse(request, body, done);
      }
    });
  };
  add('application/json', jsonBodyBytes, (request, body, done) => {
    if (!isUtf8(body)) {
      done(new RequestInvalidError('The body must be JSON in UTF-8.'));
      return;
    }
    void parseJson(request, body.toString(), (error, value: unknown) => {
      const isBatch = bodyOf(request.routeOptions.config) === 'batch';
      const objection = error === null ? findJsonObjection(value, isBatch ? batchJson : undefined) : undefined;
      done(objection === undefined ? error : new RequestInvalidError(objection), value);
    });
  });
  // Only callbacks take forms, and those are parsed strictly.
  for (const asText of ['application/x-www-form-urlencoded', 'text/plain']) {
    add(asText, largestBodyBytes, (_request, body, done) => done(null, body.toString()));
  }
  // A route that does not exist responds with 404 for every body.
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (isRaw(request.routeOptions.config)) {
      done(null, body);
    } else if (request.is404) {
      done(null, undefined);
    } else {
      done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE());
    }
  });
}

function isRaw(config: object | undefined): boolean {
  const body = bodyOf(config);
  return body === 'raw' || body === 'notification';
}

export function bodyOf(config: object | undefined): BodyConfig['body'] {
  return (config as BodyConfig | undefined)?.body;
}
