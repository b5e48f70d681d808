/** Every type of event. The list is closed: a company can handle each one. */
export const eventTypes = [
  /** The user has linked an account. */
  'connection.linked',
  /** The user has linked again; the connection keeps its id. */
  'connection.relinked',
  /** The provider has granted other scopes than before. */
  'connection.scopes_changed',
  /** The first failed refresh after a successful one. The connection may recover. */
  'connection.refresh_failing',
  /** A connection whose refresh had failed, or that had ended, works again. */
  'connection.recovered',
  /** The connection has ended; only a new link helps. */
  'connection.needs_relink',
  /** The refresh token expires in a few days unless it is used before. */
  'connection.expiring',
  /** The connection was removed. */
  'connection.unlinked',
  /** Everything that was stored of a user is erased. */
  'user.erased',
  /** The provider will shut down, or has. */
  'provider.retiring',
  /** The circuit breaker of the provider opened: refreshes are paused. */
  'provider.degraded',
  /** The circuit breaker of the provider closed: refreshes have resumed. */
  'provider.restored',
  /** The provider has announced new health data of a user. */
  'data.available',
  /** Deliveries to an endpoint were stopped, because they failed for days or the endpoint is gone. */
  'webhook.disabled',
  /** The company has asked for an event to test an endpoint with. */
  'webhook.test',
] as const;

export type EventType = (typeof eventTypes)[number];

/**
 * Causes of an event:
 * - `notification`: the provider has sent one.
 * - `refresh`: a refresh of tokens, or other background work.
 * - `call`: a call of the company or its user.
 * - `operator`: a command of the operator.
 */
export const eventSources = ['notification', 'refresh', 'call', 'operator'] as const;

export type EventSource = (typeof eventSources)[number];

/**
 * How the fact is known:
 * - `signed`: from a notification with a valid signature.
 * - `confirmed`: Cufflink did it itself, or saw it in a response of the provider.
 * - `unproven`: from a notification without a proof.
 */
export const eventProofs = ['signed', 'confirmed', 'unproven'] as const;

export type EventProof = (typeof eventProofs)[number];

/** The cause of an event, and how it is known. */
export interface EventOrigin {
  readonly source: EventSource;
  readonly proof: EventProof;
}

/** Further fields of a payload, as named on the wire. Ids, times and names only: no token, secret or health data. */
export type EventDetails = Readonly<
  Record<string, string | number | readonly string[] | Readonly<Record<string, string>> | null>
>;

/** Returns the source of an event that a requester causes. */
export function eventSource({ actor }: { readonly actor: string }): EventSource {
  return actor === 'cli' ? 'operator' : 'call';
}

/** Tells whether a text is a type of event. */
export function isEventType(text: string): text is EventType {
  return (eventTypes as readonly string[]).includes(text);
}
