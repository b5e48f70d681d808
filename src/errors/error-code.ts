/** The party that must act before the call can succeed. Sent to callers as `act`. */
export type Actor = 'caller' | 'user' | 'operator' | 'provider' | 'us';

/**
 * Every stable error code and the party that must act. Callers branch on the code, never on the text. `docs/errors.md`
 * lists the same codes; a test compares both.
 */
export const errorActors = {
  REQUEST_INVALID: 'caller',
  IDEMPOTENCY_KEY_REUSED: 'caller',
  IDEMPOTENCY_KEY_IN_PROGRESS: 'caller',
  ROUTE_NOT_FOUND: 'caller',
  API_KEY_INVALID: 'caller',
  USER_TOKEN_INVALID: 'caller',
  USER_KEYS_UNAVAILABLE: 'operator',
  RATE_LIMITED: 'caller',
  SCOPE_MISSING: 'caller',
  ACCESS_DENIED: 'caller',
  RETURN_URL_NOT_ALLOWED: 'caller',
  PROVIDER_UNKNOWN: 'caller',
  PROVIDER_NOT_CONFIGURED: 'operator',
  PROVIDER_RETIRED: 'caller',
  CONNECTION_NOT_FOUND: 'caller',
  CONNECTION_NOT_REFRESHABLE: 'caller',
  AUTHORIZATION_DENIED: 'user',
  AUTHORIZATION_STATE_INVALID: 'user',
  AUTHORIZATION_CODE_REFUSED: 'user',
  AUTHORIZATION_FAILED: 'provider',
  LINK_USER_MISMATCH: 'user',
  LINK_SESSION_INVALID: 'user',
  CONSOLE_SESSION_INVALID: 'operator',
  ACCOUNT_ALREADY_LINKED: 'user',
  ACCOUNT_CHANGED: 'user',
  SCOPE_NOT_GRANTED: 'user',
  TOKEN_REVOKED: 'user',
  TOKEN_REFRESH_PENDING: 'caller',
  CONNECTION_FROZEN: 'operator',
  TOKEN_UNREADABLE: 'operator',
  KEY_UNAVAILABLE: 'operator',
  TOKEN_RESPONSE_INVALID: 'us',
  PROVIDER_MISCONFIGURED: 'operator',
  PROVIDER_UNAVAILABLE: 'provider',
  PROVIDER_RATE_LIMITED: 'provider',
  CALL_UNSUPPORTED: 'caller',
  CALL_ANSWER_UNUSABLE: 'caller',
  WEBHOOK_ENDPOINT_NOT_FOUND: 'caller',
  WEBHOOK_URL_NOT_ALLOWED: 'caller',
  EVENT_NOT_FOUND: 'caller',
  DATABASE_UNAVAILABLE: 'operator',
  NOT_READY: 'operator',
  INTERNAL_ERROR: 'us',
} as const satisfies Record<string, Actor>;

/** A stable code for one kind of failure. */
export type ErrorCode = keyof typeof errorActors;
