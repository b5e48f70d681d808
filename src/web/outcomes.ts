import type { ErrorCode } from '../errors/error-code.js';
import type { OutcomeName } from './languages/en.js';

/** The words for each error that a person can act on. Every other error is ours to fix. */
const outcomes: Partial<Record<ErrorCode, OutcomeName>> = {
  AUTHORIZATION_DENIED: 'denied',
  AUTHORIZATION_STATE_INVALID: 'linkEnded',
  LINK_SESSION_INVALID: 'sessionEnded',
  ACCOUNT_ALREADY_LINKED: 'alreadyLinked',
  ACCOUNT_CHANGED: 'changedAccount',
  PROVIDER_UNAVAILABLE: 'providerDown',
  PROVIDER_RATE_LIMITED: 'providerDown',
  AUTHORIZATION_FAILED: 'providerDown',
  AUTHORIZATION_CODE_REFUSED: 'notAccepted',
  REQUEST_INVALID: 'notAccepted',
  PROVIDER_RETIRED: 'retired',
  LINK_USER_MISMATCH: 'otherUser',
  RATE_LIMITED: 'tooOften',
  ROUTE_NOT_FOUND: 'notFound',
  PROVIDER_UNKNOWN: 'notFound',
  ACCESS_DENIED: 'notFound',
  CONNECTION_NOT_FOUND: 'notFound',
};

/** Returns the words for a person about an error. docs/errors.md says the same to callers. */
export function outcomeOfError(code: ErrorCode): OutcomeName {
  return outcomes[code] ?? 'ourFault';
}
