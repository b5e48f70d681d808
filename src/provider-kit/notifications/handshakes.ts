import type { NotificationChannel, NotificationHandshake } from '../definition/notifications.js';
import type { HealthProvider } from '../health-provider.js';
import { ownField } from '../responses/json-field.js';
import { isSameText, parseNotification } from './open-notification.js';

/** A request that may be a check of the URL. */
export interface HandshakeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly query: Readonly<Record<string, unknown>>;
  /** Names in lower case; a repeated header is joined or missing. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** The response that the provider expects. */
export interface HandshakeResponse {
  readonly status: number;
  readonly body?: Readonly<Record<string, string>>;
}

/** The shape of a challenge, which is sent back. */
const challengeShape = /^[\w.~+/=-]{1,512}$/;

/** Returns the handshake that matches a request, if any. */
export function findHandshake(
  channels: readonly NotificationChannel[],
  request: HandshakeRequest,
): NotificationHandshake | undefined {
  return channels.flatMap(({ handshakes = [] }) => handshakes).find((each) => isMeant(each, request));
}

/** Returns the response that tells the provider whether the URL is ours. */
export function respondToHandshake(
  { settings }: Pick<HealthProvider, 'settings'>,
  handshake: NotificationHandshake,
  request: HandshakeRequest,
): HandshakeResponse {
  const { secret, verifyToken } = settings.notifications;
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

/** Whether a request matches this handshake. */
function isMeant(handshake: NotificationHandshake, { method, query, body }: HandshakeRequest): boolean {
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
