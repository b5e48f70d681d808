import { RequestInvalidError } from '../../errors/request.errors.js';
import { formDecode } from '../http/percent-encoding.js';

const credential = /^(access_token|refresh_token|client_secret|oauth_.*)$/i;

/**
 * Refuses a query or form with credentials of its own. They must not be in a URL (TE-02), and a provider could use them
 * in place of the ones that are added.
 *
 * @param encoded - `application/x-www-form-urlencoded` text
 * @param where - the beginning of the sentence for the caller
 * @throws {@link RequestInvalidError} naming the first such parameter, never its value
 * @see RFC 6750 section 2, RFC 5849 section 3.2
 */
export function refuseCredentials(encoded: string, where: string): void {
  // Some servers accept `;` in place of `&` (HTML 4.01 appendix B.2.2).
  for (const pair of encoded.split(/[&;]/)) {
    const name = formDecode(pair.split('=', 1)[0] ?? '').toString();
    const credentialName = readingsOf(name).find((reading) => credential.test(reading));
    if (credentialName !== undefined) {
      throw new RequestInvalidError(
        `${where} must not carry "${credentialName.slice(0, 40)}": Cufflink adds the token itself. Remove it.`,
      );
    }
  }
}

/**
 * Returns the names that servers may read in a decoded name. Many read compatibility characters as the letters that
 * they look like, cut at `[` (a list) or NUL, and trim spaces. PHP reads dots, spaces and a lone `[` inside as `_`.
 */
function readingsOf(name: string): string[] {
  const plain = name.normalize('NFKC').trim();
  return [plain, plain.replace('[', '_')].map((each) =>
    (each.split(/[[\0]/, 1)[0] ?? '').trim().replace(/[.\s]/g, '_'),
  );
}
