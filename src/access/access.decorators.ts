import { SetMetadata } from '@nestjs/common';
import type { AccessScope } from './scopes.js';

export const accessMetadata = 'cufflink:access';

/** What a route asks of its caller. A route without any of this is closed to everybody. */
export type AccessRule =
  { readonly kind: 'public' } | { readonly kind: 'key'; readonly scope: AccessScope | undefined };

/** Opens a route to anyone: browsers on their way back from a provider, health probes. */
export const Public = () => SetMetadata(accessMetadata, { kind: 'public' } satisfies AccessRule);

/** Opens a route to any valid API key. */
export const AnyKey = () => SetMetadata(accessMetadata, { kind: 'key', scope: undefined } satisfies AccessRule);

/** Opens a route to API keys with this scope. */
export const RequireScope = (scope: AccessScope) =>
  SetMetadata(accessMetadata, { kind: 'key', scope } satisfies AccessRule);
