import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Apple: a JWS in the field `payload`, with an event that is JSON inside a text. */
export const appleHealthSandboxNotification: SandboxNotify = async ({
  kind,
  accountIds: [sub],
  occurredAt,
  sentAt,
  number,
  signJwt,
}) => {
  if (kind !== 'deauthorized' && kind !== 'account_deleted') {
    return undefined;
  }
  const type = kind === 'deauthorized' ? 'consent-revoked' : 'account-deleted';
  const iat = Math.floor(sentAt.getTime() / 1_000);
  const payload = await signJwt({
    iat,
    exp: iat + 86_400,
    jti: `evt-${number}`,
    events: JSON.stringify({ type, sub, event_time: occurredAt.getTime() }),
  });
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ payload }) };
};
