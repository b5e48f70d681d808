/**
 * The scopes of API keys:
 * - `links:write`: start links
 * - `connections:read`: see the status of connections
 * - `connections:write`: refresh and unlink
 * - `connections:import`: import tokens of another system
 * - `tokens:read`: read access tokens
 * - `tokens:sign`: use tokens without seeing them, in proxied calls and signatures; with `tokens:read`, also read the
 *   token secrets of OAuth 1.0a
 * - `events:read`: read the stream of events
 * - `webhooks:write`: manage webhook endpoints
 * - `fleet:read`: see connections of all users
 * - `console`: sign in to the operators' console
 * - `metrics:read`: read the metrics
 * - `audit:read`: read the audit trail
 * - `admin`: the last two, for keys from before they were scopes of their own
 */
export const accessScopes = [
  'links:write',
  'connections:read',
  'connections:write',
  'connections:import',
  'tokens:read',
  'tokens:sign',
  'events:read',
  'webhooks:write',
  'fleet:read',
  'console',
  'metrics:read',
  'audit:read',
  'admin',
] as const;

export type AccessScope = (typeof accessScopes)[number];

/** Scopes that keys with `admin` have too. */
const partsOfAdmin: ReadonlySet<AccessScope> = new Set(['metrics:read', 'audit:read']);

/** Tells whether a set of scopes includes a scope. */
export function includesScope(scopes: ReadonlySet<AccessScope>, needed: AccessScope): boolean {
  return scopes.has(needed) || (scopes.has('admin') && partsOfAdmin.has(needed));
}

/** Tells whether a text is one of the scopes. */
export function isAccessScope(text: string): text is AccessScope {
  return (accessScopes as readonly string[]).includes(text);
}
