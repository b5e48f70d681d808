import type { GrantTokens } from '../provider-kit/health-provider.js';
import type { ProviderAnswer } from '../provider-kit/http-client.js';
import { percentEncode } from '../provider-kit/percent-encoding.js';

/** Shorter texts could be anything. */
const leastLength = 8;

/**
 * Covers a token, and its secret, with asterisks where a provider quotes them in an answer, as some do in errors: who may use a token
 * is not to see it. Every other byte stays as it is, and every length.
 *
 * @param answer - its body is changed in place
 * @param grant - what the call was made with
 */
export function coverTokens(answer: ProviderAnswer, { accessToken, tokenSecret }: GrantTokens): ProviderAnswer {
  const spellings = [accessToken, tokenSecret ?? ''].filter(({ length }) => length >= leastLength).flatMap(spellingsOf);
  for (const spelling of spellings) {
    const { length } = Buffer.from(spelling);
    for (let at = answer.body.indexOf(spelling); at !== -1; at = answer.body.indexOf(spelling, at + length)) {
      answer.body.fill('*', at, at + length);
    }
  }
  const cover = (text: string | undefined): string | undefined =>
    spellings.reduce((covered, spelling) => covered?.replaceAll(spelling, '*'.repeat(spelling.length)), text);
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, cover(value)] as const);
  return { ...answer, headers: Object.fromEntries(headers) };
}

/** As it is, in JSON with slashes escaped, in a URL or form, and there in the header of OAuth 1.0a, which is encoded itself. */
function spellingsOf(secret: string): string[] {
  const encoded = percentEncode(secret);
  return [...new Set([secret, secret.replaceAll('/', '\\/'), encoded, percentEncode(encoded)])];
}
