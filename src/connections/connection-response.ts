import { scopesOf, type Connection } from '../tokens/store/connection.js';
import type { TokensService } from '../tokens/tokens.service.js';
import type { ConnectionResponse } from './connections.dto.js';

/**
 * Returns the wire form of a connection, without its tokens.
 *
 * @param tokens - knows the current state, which the row may not show yet
 */
export function toConnectionResponse(
  connection: Connection,
  tokens: Pick<TokensService, 'stateOf' | 'refreshExpiryOf'>,
): ConnectionResponse {
  const { status, reason } = tokens.stateOf(connection);
  const expiry = tokens.refreshExpiryOf(connection);
  const granted = scopesOf(connection);
  return {
    connection_id: connection.id,
    user_id: connection.userId,
    provider: connection.provider,
    status,
    reason,
    needs_relink: status === 'needs_relink',
    refreshable: connection.refreshable && connection.sealed !== null,
    scopes_granted: granted && [...granted],
    scopes_missing: granted && connection.scopesRequested.filter((scope) => !granted.includes(scope)),
    scopes_unrequested: granted && granted.filter((scope) => !connection.scopesRequested.includes(scope)),
    expires_at: connection.expiresAt?.toISOString() ?? null,
    refresh_expires_at: expiry?.at.toISOString() ?? null,
    refresh_expires_at_source: expiry?.source ?? null,
    linked_at: connection.linkedAt.toISOString(),
    last_refreshed_at: connection.lastRefreshedAt?.toISOString() ?? null,
    frozen_at: connection.frozenAt?.toISOString() ?? null,
    metadata: connection.metadata,
    last_error:
      connection.lastErrorCode === null || connection.lastErrorAt === null
        ? null
        : { code: connection.lastErrorCode, at: connection.lastErrorAt.toISOString() },
  };
}
