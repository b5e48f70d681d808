import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AddressRule } from '../access/address-limit.hook.js';
import type { ErrorCode } from '../errors/error-code.js';
import type { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { CompanyPages } from '../web/company-pages.js';
import { prefersPage } from '../web/negotiation.js';
import { outcomeOfError } from '../web/outcomes.js';

/** Paths that only programs call. A wrong one always gets JSON, even if the client accepts HTML. */
const ofPrograms = /^\/(?!v1\/oauth\/|v1\/links\/[^/]+\/resume)(v1|health|metrics|docs-)/;
/** Paths that only browsers open. A client without an `Accept` header gets a page. */
const ofBrowsers = /^\/connect(\/|$)/;

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Renders the page for a problem and sets its headers; `undefined` if the problem document must be sent.
     * {@link addProblemPages} sets this function.
     */
    renderProblem?: (request: FastifyRequest, reply: FastifyReply, code: ErrorCode) => string | undefined;
  }
}

/**
 * Sends a page in place of a problem document if a person would read it. Only this function decides that, for problems
 * of every origin: a handler, a guard, the address limit, or a path that does not exist.
 */
export function addProblemPages(fastify: FastifyInstance, pages: CompanyPages, registry: ProviderRegistry): void {
  const render = (request: FastifyRequest, reply: FastifyReply, code: ErrorCode): string | undefined => {
    if (!isForPerson(request)) {
      return undefined;
    }
    const { provider: slug } = (request.params ?? {}) as { readonly provider?: string };
    void reply.headers(pages.headers).header('cufflink-error', code);
    return pages.renderOutcome(request.headers, {
      name: request.is404 ? 'notFound' : outcomeOfError(code),
      provider: slug !== undefined && registry.has(slug) ? registry.get(slug).definition.displayName : undefined,
      requestId: request.id,
    });
  };
  fastify.decorate('renderProblem', render);
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { problemCode: code } = request;
    done(null, (code !== undefined && isProblem(reply) ? render(request, reply, code) : undefined) ?? payload);
  });
}

function isProblem(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('application/problem+json');
}

function isForPerson({ headers, url, is404, routeOptions }: FastifyRequest): boolean {
  const path = url.split('?', 1)[0] ?? '/';
  const isPage = is404 ? !ofPrograms.test(path) : (routeOptions.config as AddressRule).addressRule === 'page';
  return isPage && prefersPage(headers, ofBrowsers.test(path));
}
