import type { EventType } from '../events/event-type.js';

/** Why an endpoint is disabled: all deliveries failed for days, it responded with HTTP 410, or a caller disabled it. */
export type DisabledReason = 'failing' | 'gone' | 'call';

/** The destination and the choice of events. Both are bound to the sealed secrets. */
export interface EndpointTarget {
  readonly url: string;
  /** Empty: all types. */
  readonly eventTypes: readonly EventType[];
  /** `null`: all providers. */
  readonly providers: readonly string[] | null;
}

/** An endpoint, as stored. */
export interface WebhookEndpoint extends EndpointTarget {
  readonly id: string;
  readonly sealed: Buffer;
  readonly status: 'enabled' | 'disabled';
  readonly disabledReason: DisabledReason | null;
  readonly failingSince: Date | null;
  readonly createdAt: Date;
}

/** The facts of an event that decide which endpoints receive it. */
export interface RoutedEvent {
  readonly type: EventType;
  readonly provider: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * Tells whether an endpoint wants an event. A test event goes only to its own endpoint. An event without a provider
 * passes the filter of providers.
 */
export function wants({ id, eventTypes, providers }: Omit<WebhookEndpoint, 'sealed'>, event: RoutedEvent): boolean {
  if (event.type === 'webhook.test') {
    return event.details['endpoint_id'] === id;
  }
  return (
    (eventTypes.length === 0 || eventTypes.includes(event.type)) &&
    (providers === null || event.provider === null || providers.includes(event.provider))
  );
}
