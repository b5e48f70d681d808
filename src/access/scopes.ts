/**
 * What an API key may do.
 *
 * `links:write` start links · `connections:read` see status · `connections:write` refresh and unlink · `tokens:read` read access
 * tokens · `tokens:sign` use tokens without seeing them, in proxied calls and signatures, and with `tokens:read` read the token
 * secrets of OAuth 1.0a · `admin` operate the service (metrics).
 */
export const accessScopes = [
  'links:write',
  'connections:read',
  'connections:write',
  'tokens:read',
  'tokens:sign',
  'admin',
] as const;

export type AccessScope = (typeof accessScopes)[number];

/** Tells whether a text is one of the scopes. */
export function isAccessScope(text: string): text is AccessScope {
  return (accessScopes as readonly string[]).includes(text);
}
