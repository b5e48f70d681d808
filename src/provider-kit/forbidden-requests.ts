/**
 * Makes every method of an OAuth client of Passport's strategies throw. These clients have no time limit, no size limit
 * and no rule for addresses, and their errors quote responses. Only {@link OAuth1Client} and {@link OAuth2Client} may
 * send requests. Afterwards, replace the methods that the strategy calls by an implementation of our own.
 *
 * @param client - the `_oauth` or `_oauth2` of a strategy; its data stays
 */
export function forbidRequests(client: object): void {
  const prototype = Object.getPrototypeOf(client) as Readonly<Record<string, unknown>>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== 'constructor' && typeof prototype[name] === 'function') {
      const refuse = (): never => {
        throw new Error(`${name} of Passport's OAuth client must not be called. Use OAuth1Client or OAuth2Client.`);
      };
      Object.defineProperty(client, name, { value: refuse, writable: true });
    }
  }
}
