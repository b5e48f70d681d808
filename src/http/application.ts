import fastifyCookie from '@fastify/cookie';
import { ShutdownSignal } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Logger } from 'nestjs-pino';
import { AddressLimit } from '../access/address-limit.hook.js';
import { CallerAddresses } from '../access/caller-address.js';
import { appConfig, type AppConfig } from '../config/app.config.js';
import { problemHeaders, requestProblem, toProblem, type ProblemResponse } from '../errors/app-error.filter.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { CompanyPages } from '../web/company-pages.js';
import { collectMethods } from './allowed-methods.js';
import { addApiDocs } from './api-docs.js';
import { respondToOddRequests, respondToParserErrors, logUnserved } from './client-errors.js';
import { Draining } from './draining.js';
import { limitNotificationBodies } from './notification-bodies.js';
import { describeApi } from './openapi.js';
import { addBodyParsers } from './request-bodies.js';
import { addProblemPages } from './problem-pages.js';
import { findHeadObjection } from './request-head.js';
import { requestIdOf } from './request-id.js';
import { securityHeaders } from './security-headers.js';

/** Limit for all headers and the request line together. */
const maxHeaderBytes = 16 * 1024;
/** Time limits for slow senders, so that they do not hold connections. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 15_000;
const timeoutCheckMs = 1_000;
/** Time after which a connection without traffic is closed, unless it waits for us. */
const idleTimeoutMs = 60_000;
/** 255 characters of a user id may take 12 bytes each when percent-encoded. */
const maxParameterLength = 4_096;

/** A slash at the end of a callback, for a redirect URI that was registered with one. */
const callbackSlash = /^(\/v1\/oauth\/[^/?]+\/callback)\/(?=$|\?)/;

/** Makes the Fastify server that Nest runs on, before there is anything to inject. */
export function createAdapter({
  trustedProxies,
  production,
}: Pick<AppConfig, 'trustedProxies' | 'production'>): FastifyAdapter {
  const everywhere = securityHeaders(production);
  const adapter = new FastifyAdapter({
    // Otherwise anyone could claim any address.
    trustProxy: trustedProxies.length === 0 ? false : trustedProxies,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: idleTimeoutMs,
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
      // Node would respond without problem details, so `findHeadObjection` checks this.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: maxParameterLength },
    rewriteUrl: ({ url = '/' }) => url.replace(callbackSlash, '$1'),
    // Fastify's 503 is no problem document. A request that arrives while the port closes is served.
    return503OnClosing: false,
    genReqId: requestIdOf,
    clientErrorHandler: respondToParserErrors(everywhere),
    // A URL that cannot be decoded reaches neither the hooks nor Nest's filter.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = toProblem(error, request.id);
      const headers = { ...everywhere, ...problemHeaders(problem), 'x-request-id': request.id };
      void reply.status(problem.status).headers(headers);
      const page = request.server.renderProblem?.(request, reply, problem.code);
      void reply.send(page ?? JSON.stringify(problem));
      logUnserved(problem);
    },
  });
  respondToOddRequests(adapter.getInstance().server, everywhere);
  return adapter;
}

/** Prepares an application made with {@link createAdapter}: logging, bodies, request ids, the API description. */
export function configureApplication(app: NestFastifyApplication): void {
  app.useLogger(app.get(Logger));
  app.flushLogs();
  // serve.ts handles SIGTERM.
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGHUP, ShutdownSignal.SIGQUIT]);
  const fastify = app.getHttpAdapter().getInstance();
  addBodyParsers(fastify);
  void fastify.register(fastifyCookie);
  app.get(CallerAddresses).install(fastify);
  app.get(AddressLimit).install(fastify);
  limitNotificationBodies(fastify, app.get(ProviderRegistry, { strict: false }));
  addProblemPages(fastify, app.get(CompanyPages, { strict: false }), app.get(ProviderRegistry, { strict: false }));
  const config = app.get<AppConfig>(appConfig.KEY);
  if (config.corsOrigins.length > 0) {
    app.enableCors({
      origin: config.corsOrigins,
      methods: ['GET', 'POST', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id'],
      exposedHeaders: ['idempotent-replayed', 'ratelimit', 'ratelimit-policy', 'retry-after', 'x-request-id'],
      maxAge: 600,
    });
  }
  const forbidden = securityHeaders(config.production);
  const draining = app.get(Draining, { strict: false });
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(forbidden).header('x-request-id', request.id);
    if (draining.isActive) {
      void reply.header('connection', 'close');
    }
    // The route's own path, because the URL may spell it differently.
    if (request.routeOptions.url?.startsWith('/v1/') === true) {
      void reply.header('cache-control', 'no-store');
    }
    closeWhenUnread(request, reply);
    done();
  });
  const methodsOf = collectMethods(fastify, { maxParamLength: maxParameterLength });
  // After every `onRequest` hook, so that a request that is refused here was logged and counted.
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    const objection = findHeadObjection(request.raw);
    const methods = objection === undefined && request.is404 ? methodsOf(request.url.split('?', 1)[0] ?? '/') : [];
    if (objection !== undefined) {
      refuse(toProblem(new RequestInvalidError(objection), request.id), request, reply);
    } else if (methods.length > 0) {
      const allow = methods.join(', ');
      const detail = `This path does not support ${request.method}. It supports ${allow}. Use one of these methods.`;
      refuse(requestProblem(405, detail, request.id), request, reply.header('allow', allow));
    } else {
      done();
    }
  });
  if (config.apiDocs) {
    addApiDocs(fastify, () => describeApi(app));
  }
}

/** Responds at once. Routes that Nest does not know, such as the API description, have none of its filters. */
function refuse(problem: ProblemResponse, request: FastifyRequest, reply: FastifyReply): void {
  request.problemCode = problem.code;
  void reply.status(problem.status).headers(problemHeaders(problem)).send(JSON.stringify(problem));
}

/**
 * Closes the connection of a response that nobody reads. Without this listener, Node would also close it while the
 * handler still works, such as on a slow call to a provider.
 */
function closeWhenUnread({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): void {
  raw.on('timeout', () => {
    if (raw.headersSent) {
      socket.destroy();
    }
  });
}
