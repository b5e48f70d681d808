import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { GrantTokens, HealthProvider } from '../health-provider.js';
import { readRefreshedUser } from './id-token.js';
import type { TokenResponse } from '../token-response.js';

/**
 * Checks that the response to a refresh is still about the same user (AR-18). It compares the user's id if the response
 * has one, and the ID token if that names the user. A user with a former id is the same user, and gets the new id.
 *
 * @param provider - the sender of the response
 * @param tokenResponse - as received
 * @param tokens - the set that was refreshed. Without a user's id in it, any user is accepted. If the response before
 *   named another user, this one must name the right one.
 * @returns the token response, with the user's id if it replaces a former one
 * @throws {@link InvalidTokenResponseError} when it names another user, names none although it must, or has an ID token
 *   that is not for us
 */
export function checkSameUser(
  { definition, settings }: Pick<HealthProvider, 'definition' | 'settings'>,
  tokenResponse: TokenResponse,
  tokens: Pick<GrantTokens, 'providerUserId'> & { readonly mustNameUser?: boolean | undefined },
): TokenResponse {
  const { account, displayName } = definition;
  const { clientId } = settings;
  const issuers = 'issuers' in settings ? settings.issuers : [];
  const { userId, formerUserId } =
    account.from === 'id-token' && tokenResponse.idToken !== undefined
      ? readRefreshedUser(tokenResponse.idToken, { displayName, clientId, issuers, account })
      : { userId: tokenResponse.providerUserId, formerUserId: undefined };
  const { providerUserId: known } = tokens;
  const named = [userId, formerUserId].filter((id) => id !== undefined);
  const isNamed = named.length > 0 && known !== undefined;
  if (isNamed ? !named.includes(known) : tokens.mustNameUser === true) {
    throw new InvalidTokenResponseError(`The refresh response of ${displayName} does not name the connection's user.`);
  }
  const isFormer = isNamed && userId !== undefined && known !== userId;
  return isFormer ? tokenResponse.with({ providerUserId: userId, formerUserId }) : tokenResponse;
}
