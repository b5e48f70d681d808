/**
 * What an API key may do.
 *
 * `links:write` start links · `connections:read` see status · `connections:write` refresh and unlink · `tokens:read` read access
 * tokens · `tokens:sign` read OAuth 1.0a token secrets, with which requests are signed · `admin` operate the service (metrics).
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
