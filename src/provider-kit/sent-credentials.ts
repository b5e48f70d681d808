import { RequestInvalidError } from '../errors/request.errors.js';
import { formDecode } from './percent-encoding.js';

const credential = /^(access_token|refresh_token|client_secret|oauth_.*)$/i;

/**
 * Refuses a query or form that brings credentials of its own: they belong into no URL (TE-02), and beside those that are added a
 * provider could take either.
 *
 * @param encoded - `application/x-www-form-urlencoded` text
 * @param where - begins the sentence that the caller is told
 * @throws {@link RequestInvalidError} naming the first such parameter, never its value
 * @see RFC 6750 section 2, RFC 5849 section 3.2
 */
export function refuseCredentials(encoded: string, where: string): void {
  for (const pair of encoded.split('&')) {
    const name = formDecode(pair.split('=', 1)[0] ?? '').toString();
    if (credential.test(name)) {
      throw new RequestInvalidError(`${where} must not carry "${name.slice(0, 40)}": the token is added here.`);
    }
  }
}
