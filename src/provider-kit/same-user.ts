import { InvalidTokenResponseError } from '../errors/provider.errors.js';
import type { GrantTokens, HealthProvider } from './health-provider.js';
import { readRefreshedSubject } from './id-token.js';
import type { TokenGrant } from './token-grant.js';

/**
 * Checks that the answer to a refresh is still about the same user (AR-18): by the user's id where the answer has it, and by its ID token
 * where that tells the user.
 *
 * @param provider - whose answer it is
 * @param grant - as received
 * @param tokens - the set that was refreshed; without a user's id in it, any user is the same, and where the answer before named another
 *   one, this one has to name the right one
 * @throws {@link InvalidTokenResponseError} when it names another user, or none where it has to, or has an ID token that is not for us
 */
export function checkSameUser(
  { definition, settings }: Pick<HealthProvider, 'definition' | 'settings'>,
  { providerUserId, idToken }: TokenGrant,
  tokens: Pick<GrantTokens, 'providerUserId'> & { readonly mustNameUser?: boolean | undefined },
): void {
  const { account, displayName } = definition;
  const parties = { displayName, clientId: settings.clientId };
  const userId =
    account.from === 'id-token' && idToken !== undefined
      ? readRefreshedSubject(idToken, { ...parties, issuer: account.issuer })
      : providerUserId;
  const isNamed = userId !== undefined && tokens.providerUserId !== undefined;
  if (isNamed ? userId !== tokens.providerUserId : tokens.mustNameUser === true) {
    throw new InvalidTokenResponseError(
      `The answer of ${displayName} to a refresh does not name the connection's user.`,
    );
  }
}
