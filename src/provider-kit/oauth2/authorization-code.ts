import {
  AuthorizationDeniedError,
  AuthorizationFailedError,
  AuthorizationStateError,
} from '../../errors/authorization.errors.js';
import { ProviderMisconfiguredError, ProviderUnavailableError } from '../../errors/provider.errors.js';
import { RequestInvalidError } from '../../errors/request.errors.js';
import { isDenial } from '../responses/denial.js';
import type { CallbackParameters } from '../handshake.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';
import { codeParameters } from '../responses/used-callback-parameters.js';

/**
 * Reads the code out of a callback, if the callback is this provider's.
 *
 * @param definition - tells which parameters may carry it
 * @param settings - has the issuers
 * @param callback - the parameters of the callback, none of them repeated or empty
 * @throws {@link AuthorizationStateError} when there is no code, or the issuer is another one (AR-08)
 * @throws {@link RequestInvalidError} when there is a code and an error
 * @throws {@link AuthorizationDeniedError}, {@link AuthorizationFailedError}, {@link ProviderMisconfiguredError} or
 *   {@link ProviderUnavailableError} when there is an error instead
 * @see RFC 6749 section 4.1.2, RFC 9207 section 2.4
 */
export function readAuthorizationCode(
  definition: OAuth2Definition,
  { issuers }: Pick<OAuth2Settings, 'issuers'>,
  callback: CallbackParameters,
): string {
  checkIssuer(issuers, definition.alwaysSendsIssuer === true, callback['iss']);
  const { error } = callback;
  const code = codeParameters(definition)
    .map((name) => callback[name])
    .find((value) => value !== undefined);
  if (error !== undefined && code !== undefined) {
    throw new RequestInvalidError('The callback has both a code and an error. Start a new link.');
  }
  if (error !== undefined) {
    throw authorizationError(definition, error);
  }
  if (code === undefined) {
    throw new AuthorizationStateError('callback without a code');
  }
  return code;
}

/** RFC 9207 section 2.4: compared without normalization, in callbacks with an error too. */
function checkIssuer(expected: readonly string[], mustBeThere: boolean, issuer: string | undefined): void {
  const isOther = issuer !== undefined && expected.length > 0 && !expected.includes(issuer);
  if (isOther || (issuer === undefined && mustBeThere)) {
    throw new AuthorizationStateError('the callback is of another issuer');
  }
}

/** RFC 6749 section 4.1.2.1. The provider's description is dropped, because it is free text from outside (AR-13). */
function authorizationError({ displayName, deniedError }: OAuth2Definition, error: string): Error {
  if (error === deniedError || isDenial(error)) {
    return new AuthorizationDeniedError();
  }
  switch (error) {
    case 'server_error':
    case 'temporarily_unavailable':
      return new ProviderUnavailableError(`${displayName} could not show its consent page. Start a new link later.`, {
        fate: 'answered',
        detail: error,
      });
    case 'invalid_request':
    case 'invalid_scope':
    case 'unauthorized_client':
    case 'unsupported_response_type':
      return new ProviderMisconfiguredError(
        `${displayName} rejected the authorization request of this deployment. The operator must check the client ID, redirect URI and scopes.`,
        { detail: error },
      );
    default:
      return new AuthorizationFailedError(`${displayName} ended the authorization with an error. Start a new link.`);
  }
}
