import { applyDecorators, SetMetadata } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import { orUserExtension, scopeExtension } from '../http/openapi.js';
import type { BodyConfig } from '../http/request-bodies.js';
import type { AddressRule } from './address-limit.hook.js';
import type { AccessScope } from './scopes.js';

export const accessMetadata = 'cufflink:access';

/** Options of a route about the rights of its callers. */
export interface AccessOptions {
  /** Whether users may call it for themselves, with a token of the company's own; the path then has their `user_id`. */
  readonly orUser?: boolean;
  /**
   * Whether it asks `mayUseProvider` itself. Without it, keys that are limited to some providers may call the route
   * only where its path names one of them.
   */
  readonly filtersProviders?: boolean;
}

/** The requirements of a route for its caller. A route without any is closed to everybody. */
export type AccessRule =
  { readonly kind: 'public' } | ({ readonly kind: 'caller'; readonly scope: AccessScope | undefined } & AccessOptions);

export const unlimitedMetadata = 'cufflink:unlimited';

/** Sets no limit for callers with valid credentials: issuing tokens is the purpose of the service. */
export const Unlimited = () => SetMetadata(unlimitedMetadata, true);

/**
 * Opens a route to the servers of providers. It takes any body as raw bytes, and verifies the request itself.
 */
export const ProviderHook = (): MethodDecorator =>
  applyDecorators(
    SetMetadata(accessMetadata, { kind: 'public' } satisfies AccessRule),
    RouteConfig({ addressRule: 'hook', body: 'notification' } satisfies AddressRule & BodyConfig),
  );

/**
 * Opens a route to anyone, such as browsers on their way back from a provider. Put it on the handler, not on its class.
 * A body must be a form.
 *
 * @param options - `counted: false` for probes: their addresses have no limit
 */
export const Public = ({ counted = true } = {}): MethodDecorator =>
  applyDecorators(
    SetMetadata(accessMetadata, { kind: 'public' } satisfies AccessRule),
    RouteConfig({ addressRule: counted ? 'page' : 'none' } satisfies AddressRule),
  );

/** Opens a route to any valid API key and to any user, because it reveals nothing about anybody. */
export const AnyCaller = () =>
  SetMetadata(accessMetadata, {
    kind: 'caller',
    scope: undefined,
    orUser: true,
    filtersProviders: true,
  } satisfies AccessRule);

/** Opens a route to API keys with this scope, and adds the scope to the OpenAPI description. */
export const RequireScope = (scope: AccessScope, options: AccessOptions = {}) =>
  applyDecorators(
    SetMetadata(accessMetadata, { kind: 'caller', scope, ...options } satisfies AccessRule),
    ApiExtension(scopeExtension, scope),
    ApiExtension(orUserExtension, options.orUser === true),
  );
