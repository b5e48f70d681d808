import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import type { NotificationChannel, NotifiedEvent } from '../provider-kit/definition/notifications.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import {
  findHandshake,
  respondToHandshake,
  type HandshakeRequest,
  type HandshakeResponse,
} from '../provider-kit/notifications/handshakes.js';
import { isSameText } from '../provider-kit/notifications/open-notification.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { NotifiedConnections } from '../tokens/notified-connections.js';
import { tokenFingerprint } from '../tokens/store/token-fingerprint.js';
import { hookRequests, notifiedEvents } from './hooks.metrics.js';
import { NotificationOpener } from './notification-opener.js';
import { NotificationStore, type ArrivedEvent } from './notification-store.js';
import { NotificationWorker } from './notification-worker.js';

/** A request to a hook. */
export interface HookRequest extends HandshakeRequest {
  /** Slug in the path. */
  readonly provider: string;
  readonly pathSecret: string | undefined;
}

/** The shape of the name of a kind of data, which goes into an event. */
const dataTypeShape = /^[\w.-]{1,64}$/;
const refusedStatus = 401;
/** Events that one statement stores. */
const batchSize = 500;

/**
 * Receives the requests of providers: handshakes, and notifications, which are verified and stored before the response.
 */
@Injectable()
export class HooksService {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly connections: NotifiedConnections,
    private readonly store: NotificationStore,
    private readonly worker: NotificationWorker,
    private readonly opener: NotificationOpener,
    private readonly clock: Clock,
  ) {}

  /**
   * Handles one request.
   *
   * @returns the response; `undefined` when there is no such hook
   * @throws {@link DatabaseUnavailableError} or a provider error when the notification cannot be stored or verified
   *   now; the provider sends it again
   */
  async handle(request: HookRequest): Promise<HandshakeResponse | undefined> {
    const provider = this.find(request);
    if (provider === undefined) {
      return undefined;
    }
    const channels = provider.definition.notifications?.channels ?? [];
    const handshake = findHandshake(channels, request);
    if (handshake !== undefined) {
      const response = respondToHandshake(provider, handshake, request);
      const outcome = response.status < 300 ? 'handshake' : 'wrong_handshake';
      hookRequests.inc({ provider: request.provider, outcome });
      return response;
    }
    return request.method === 'POST' ? this.receive(provider, channels, request) : undefined;
  }

  private find({ provider: slug, pathSecret }: HookRequest): HealthProvider | undefined {
    const provider = this.registry.has(slug) ? this.registry.get(slug) : undefined;
    if (provider?.definition.notifications === undefined || provider.settings.mode === 'not-configured') {
      return undefined;
    }
    const { pathSecret: expected } = provider.settings.notifications;
    if (expected === undefined ? pathSecret !== undefined : !isSameText(pathSecret ?? '', expected.reveal())) {
      hookRequests.inc({ provider: slug, outcome: 'wrong_path' });
      return undefined;
    }
    return provider;
  }

  private async receive(
    provider: HealthProvider,
    channels: readonly NotificationChannel[],
    { provider: slug, headers, body }: HookRequest,
  ): Promise<HandshakeResponse | undefined> {
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    const channel = channels.find(({ contentType }) => contentType === type) ?? channels[0];
    if (channel === undefined) {
      return undefined;
    }
    const opened = await this.opener.open(provider, channel, { headers, body, receivedAt: this.clock.now() });
    if (opened.isRefused) {
      hookRequests.inc({ provider: slug, outcome: opened.why });
      return { status: channel.refusedStatus ?? refusedStatus };
    }
    await this.keep(provider, opened.isProven, opened.events);
    hookRequests.inc({ provider: slug, outcome: 'accepted' });
    return channel.response;
  }

  /** Stores the events. One of an unknown account is only counted. */
  private async keep(provider: HealthProvider, isProven: boolean, events: readonly NotifiedEvent[]): Promise<void> {
    const { slug } = provider.definition;
    const arrived = events.flatMap((event) => this.toArrived(provider, isProven, event));
    notifiedEvents.inc({ provider: slug, kind: 'data', outcome: 'unknown_account' }, events.length - arrived.length);
    for (let at = 0; at < arrived.length; at += batchSize) {
      for (const { kind, outcome } of await this.store.add(slug, arrived.slice(at, at + batchSize))) {
        if (outcome !== 'stored') {
          notifiedEvents.inc({ provider: slug, kind, outcome });
        }
      }
    }
    this.worker.wake();
  }

  private toArrived(provider: HealthProvider, isProven: boolean, event: NotifiedEvent): ArrivedEvent[] {
    const { accountId, accessToken, dataType } = event;
    if (accountId === undefined) {
      return [];
    }
    return [
      {
        kind: event.kind,
        accountDigest: this.connections.digestAccount(provider, accountId),
        dataType: dataType !== undefined && dataTypeShape.test(dataType) ? dataType : undefined,
        occurredAt: event.occurredAt,
        eventId: event.eventId,
        isProven,
        isHint: event.isHint === true,
        tokenFingerprint: accessToken === undefined ? undefined : tokenFingerprint(accessToken),
      },
    ];
  }
}
