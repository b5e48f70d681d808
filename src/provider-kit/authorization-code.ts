import {
  AuthorizationDeniedError,
  AuthorizationFailedError,
  AuthorizationStateError,
} from '../errors/authorization.errors.js';
import { ProviderMisconfiguredError, ProviderUnavailableError } from '../errors/provider.errors.js';
import type { CallbackParameters } from './handshake.js';
import type { OAuth2Definition } from './provider-definition.js';

/**
 * Reads the code out of a callback.
 *
 * @param definition - tells which parameters may carry it
 * @param callback - the parameters of the callback, none of them repeated
 * @throws {@link AuthorizationStateError} when there is no code
 * @throws {@link AuthorizationDeniedError}, {@link AuthorizationFailedError}, {@link ProviderMisconfiguredError} or
 *   {@link ProviderUnavailableError} when there is an error instead
 * @see RFC 6749 section 4.1.2
 */
export function readAuthorizationCode(definition: OAuth2Definition, callback: CallbackParameters): string {
  const { error } = callback;
  if (error !== undefined) {
    throw authorizationError(definition, error);
  }
  const names = definition.codeParameters ?? ['code'];
  const code = names.map((name) => callback[name]).find((value) => Boolean(value));
  if (code === undefined) {
    throw new AuthorizationStateError('callback without a code');
  }
  return code;
}

/** RFC 6749 section 4.1.2.1. The provider's description is not kept: it is free text from outside (AR-13). */
function authorizationError({ displayName }: OAuth2Definition, error: string): Error {
  switch (error) {
    case 'access_denied':
      return new AuthorizationDeniedError();
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
        `${displayName} refused the authorisation request of this deployment. The operator has to check client id, redirect URI and scopes.`,
        { detail: error },
      );
    default:
      return new AuthorizationFailedError(`${displayName} ended the authorisation with an error. Start a new link.`);
  }
}
