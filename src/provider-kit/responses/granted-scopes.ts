/**
 * Reads a list of granted scopes, forgivingly: separated by white space, commas or semicolons, or as a JSON list.
 *
 * Who tells a user's consent wrongly does harm, so what cannot be read never counts as "all that was asked for".
 *
 * @param value - the field, from outside and unchecked
 * @returns the scopes; `undefined` when there is no such field, which means those asked for (RFC 6749 section 5.1);
 *   none when the field says nothing; `null` when it cannot be read: nobody knows them
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

/** PostgreSQL would refuse some of the rest, and the tokens with it. */
function isScope(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}
