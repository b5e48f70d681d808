/**
 * Reads a list of granted scopes. It may be separated by white space, commas or semicolons, or be a JSON list.
 *
 * A wrong report of a user's consent does harm. So an unreadable list never counts as "all requested scopes".
 *
 * @param value - the field, from outside and unchecked
 * @returns the scopes:
 *   - `undefined` when there is no such field, which means the requested scopes (RFC 6749 section 5.1)
 *   - none when the field is empty
 *   - `null` when it cannot be read: the scopes are unknown
 */
export function parseGrantedScopes(value: unknown): readonly string[] | null | undefined {
  if (value === undefined) {
    return undefined;
  }
  const text = value === null ? '' : value;
  if (typeof text === 'string') {
    const scopes = text.split(/[\s,;]+/).filter((each) => each !== '');
    return scopes.every(isScope) ? scopes : null;
  }
  return Array.isArray(text) && text.length > 0 && text.every(isScope) ? text : null;
}

/** PostgreSQL would refuse some of the other values, and then the tokens would be lost too. */
function isScope(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}
