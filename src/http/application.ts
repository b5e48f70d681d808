import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Logger } from 'nestjs-pino';
import { AddressLimit } from '../access/address-limit.hook.js';
import { CallerAddresses } from '../access/caller-address.js';
import { appConfig, type AppConfig } from '../config/app.config.js';
import { problemHeaders, toProblem } from '../errors/app-error.filter.js';
import { addApiDocs } from './api-docs.js';
import { describeApi } from './openapi.js';
import { addBodyParsers } from './request-bodies.js';
import { securityHeaders } from './security-headers.js';

/** All headers and the request line together. */
const maxHeaderBytes = 16 * 1024;
/** Who sends slower than this holds a connection up for nothing. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 15_000;
const timeoutCheckMs = 1_000;
/** 255 characters of a user id may take 12 bytes each when percent-encoded. */
const maxParameterLength = 4_096;

/** A redirect URI may have been registered with a slash at its end: it is the same callback. */
const callbackSlash = /^(\/v1\/oauth\/[^/?]+\/callback)\/(?=$|\?)/;

/** Makes the Fastify server that Nest runs on, before there is anything to inject. */
export function createAdapter({ trustedProxies }: Pick<AppConfig, 'trustedProxies'>): FastifyAdapter {
  return new FastifyAdapter({
    // Otherwise anyone could say to come from any address.
    trustProxy: trustedProxies.length === 0 ? false : trustedProxies,
    requestTimeout: requestTimeoutMs,
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
    },
    routerOptions: { maxParamLength: maxParameterLength },
    rewriteUrl: ({ url = '/' }) => url.replace(callbackSlash, '$1'),
    genReqId: requestId,
    // A URL that cannot be decoded reaches neither Nest and its filter nor the hooks.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = toProblem(error, request.id);
      const headers = { ...problemHeaders(problem), 'x-request-id': request.id };
      void reply.status(problem.status).headers(headers).send(JSON.stringify(problem));
    },
  });
}

/** Prepares an application made with {@link createAdapter}: logging, bodies, request ids, the OpenAPI pages. */
export function configureApplication(app: NestFastifyApplication): void {
  app.useLogger(app.get(Logger));
  app.flushLogs();
  app.enableShutdownHooks();
  const fastify = app.getHttpAdapter().getInstance();
  addBodyParsers(fastify);
  void fastify.register(fastifyCookie);
  app.get(CallerAddresses).install(fastify);
  app.get(AddressLimit).install(fastify);
  const config = app.get<AppConfig>(appConfig.KEY);
  if (config.corsOrigins.length > 0) {
    app.enableCors({
      origin: config.corsOrigins,
      methods: ['GET', 'POST', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'x-request-id'],
      exposedHeaders: ['retry-after', 'x-request-id'],
      maxAge: 600,
    });
  }
  const forbidden = securityHeaders(config.production);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(forbidden).header('x-request-id', request.id);
    // The URL may spell the path in another way.
    if (request.routeOptions.url?.startsWith('/v1/') === true) {
      void reply.header('cache-control', 'no-store');
    }
    done();
  });
  if (config.apiDocs) {
    addApiDocs(fastify, describeApi(app));
  }
}

/** A caller may name its own request id, so that its logs and ours can be joined. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(given) ? given : randomUUID();
}
