import { RouteConfig } from '@nestjs/platform-fastify';
import { errorCodes, type FastifyBodyParser, type FastifyInstance, type FastifyRequest } from 'fastify';

const rawBody = { rawBody: true };

/** Gives a route its body as the bytes that came, of whatever content type: a `Buffer`, or `undefined` where there is none. */
export const RawBody = () => RouteConfig(rawBody);

/**
 * Sets how bodies are read: JSON is parsed, forms and plain text arrive as text, anything else is refused. Routes with
 * {@link RawBody} take every content type, in bytes; only one that is malformed is refused there too.
 */
export function addBodyParsers(fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  const add = (contentType: string, parse: FastifyBodyParser<string>): void => {
    fastify.addContentTypeParser(contentType, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      if (wantsRaw(request)) {
        done(null, body);
      } else {
        void parse(request, body.toString(), done);
      }
    });
  };
  add('application/json', parseJson);
  // Only callbacks take forms, and those are parsed strictly.
  for (const asText of ['application/x-www-form-urlencoded', 'text/plain']) {
    add(asText, (_request, body, done) => done(null, body));
  }
  // A route that does not exist says so, whatever was sent to it.
  add('*', (request, _body, done) =>
    request.is404 ? done(null, undefined) : done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()),
  );
}

function wantsRaw({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as Partial<typeof rawBody>).rawBody === true;
}
