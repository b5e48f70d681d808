import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import type {
  NotificationChannel,
  NotificationHandshake,
  NotifiedEvent,
} from '../provider-kit/definition/notifications.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { NotificationKeys } from '../provider-kit/notifications/notification-keys.js';
import { isSameText, openNotification, parseNotification } from '../provider-kit/notifications/open-notification.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { ownField } from '../provider-kit/responses/json-field.js';
import { NotifiedConnections } from '../tokens/notified-connections.js';
import { tokenFingerprint } from '../tokens/store/token-fingerprint.js';
import { hookRequests, notifiedEvents } from './hooks.metrics.js';
import { NotificationStore, type ArrivedEvent } from './notification-store.js';
import { NotificationWorker } from './notification-worker.js';

/** A request to a hook. */
export interface HookRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Slug in the path. */
  readonly provider: string;
  readonly pathSecret: string | undefined;
  readonly query: Readonly<Record<string, unknown>>;
  /** Names in lower case; a repeated header is joined or missing. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** The response that the provider expects. */
export interface HookResponse {
  readonly status: number;
  readonly body?: Readonly<Record<string, string>>;
}

/** What a challenge may consist of: it is sent back. */
const challengeShape = /^[\w.~+/=-]{1,512}$/;
/** What a name of a kind of data may consist of: it goes into an event. */
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
    private readonly keys: NotificationKeys,
    private readonly clock: Clock,
  ) {}

  /**
   * Handles one request.
   *
   * @returns the response; `undefined` when there is no such hook
   * @throws {@link DatabaseUnavailableError} or a provider error when the notification cannot be stored or verified
   *   now: the provider sends it again
   */
  async handle(request: HookRequest): Promise<HookResponse | undefined> {
    const provider = this.find(request);
    if (provider === undefined) {
      return undefined;
    }
    const channels = provider.definition.notifications?.channels ?? [];
    const handshake = channels.flatMap(({ handshakes = [] }) => handshakes).find((each) => isMeant(each, request));
    if (handshake !== undefined) {
      return this.shakeHands(provider, handshake, request);
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

  private shakeHands(provider: HealthProvider, handshake: NotificationHandshake, request: HookRequest): HookResponse {
    const response = respondToHandshake(provider, handshake, request);
    const isRight = response.status < 300;
    hookRequests.inc({ provider: request.provider, outcome: isRight ? 'handshake' : 'wrong_handshake' });
    return response;
  }

  private async receive(
    provider: HealthProvider,
    channels: readonly NotificationChannel[],
    { provider: slug, headers, body }: HookRequest,
  ): Promise<HookResponse | undefined> {
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    const channel = channels.find(({ contentType }) => contentType === type) ?? channels[0];
    if (channel === undefined) {
      return undefined;
    }
    const opened = await openNotification(
      provider,
      channel,
      { headers, body, receivedAt: this.clock.now() },
      this.keys,
    );
    if (opened.isRefused) {
      hookRequests.inc({ provider: slug, outcome: opened.why });
      return { status: channel.refusedStatus ?? refusedStatus };
    }
    await this.keep(provider, opened.isProven, opened.events);
    hookRequests.inc({ provider: slug, outcome: 'accepted' });
    return channel.response;
  }

  /** An account that is not known here is counted, and leaves nothing else. */
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

/** Whether a request is this handshake. */
function isMeant(handshake: NotificationHandshake, { method, query, body }: HookRequest): boolean {
  if (handshake.method !== method) {
    return false;
  }
  if (handshake.method === 'POST') {
    return ownField(parseNotification('application/json', body), handshake.field) === handshake.value;
  }
  if ('challenge' in handshake) {
    return handshake.challenge in query;
  }
  return !('code' in handshake) || handshake.code in query;
}

function respondToHandshake(
  provider: HealthProvider,
  handshake: NotificationHandshake,
  request: HookRequest,
): HookResponse {
  const { secret, verifyToken } = provider.settings.notifications;
  const isToken = (value: unknown): boolean =>
    typeof value === 'string' && verifyToken !== undefined && isSameText(value, verifyToken.reveal());
  if (handshake.method === 'POST') {
    const { status, unauthorizedStatus } = handshake;
    const isAuthorized = secret !== undefined && isSameText(request.headers['authorization'] ?? '', secret.reveal());
    return { status: unauthorizedStatus === undefined || isAuthorized ? status : unauthorizedStatus };
  }
  if ('challenge' in handshake) {
    const challenge = request.query[handshake.challenge];
    const isRight =
      typeof challenge === 'string' && challengeShape.test(challenge) && isToken(request.query[handshake.token]);
    return isRight
      ? { status: 200, body: { [handshake.responseField]: challenge } }
      : { status: handshake.wrongStatus };
  }
  if ('code' in handshake) {
    return { status: isToken(request.query[handshake.code]) ? handshake.status : handshake.wrongStatus };
  }
  return { status: handshake.status, ...('body' in handshake ? { body: handshake.body } : {}) };
}
