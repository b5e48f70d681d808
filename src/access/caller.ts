import type { AccessScope } from './scopes.js';

/** A caller and its rights. */
export interface Caller {
  /** `api-key:<id>` or `user`, for the audit trail; names no user. */
  readonly actor: string;
  /** Empty for a user, who may use the routes that are open to users. */
  readonly scopes: ReadonlySet<AccessScope>;
  /** The only providers it may use; `undefined` is all. */
  readonly providers: ReadonlySet<string> | undefined;
  /** The only user it may act for; `undefined` is all. */
  readonly userId: string | undefined;
}

/** Tells whether a caller may use a provider. */
export function mayUseProvider({ providers }: Caller, slug: string): boolean {
  return providers === undefined || providers.has(slug);
}
