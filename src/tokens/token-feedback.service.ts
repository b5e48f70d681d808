import { Injectable, Logger } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Clock } from '../clock/clock.js';
import { AppError } from '../errors/app-error.js';
import { ConnectionStore } from './store/connection-store.js';
import { RefreshService } from './refresh/refresh.service.js';
import { tokenFingerprint } from './store/token-fingerprint.js';
import { TokenVault } from './store/token-vault.js';
import { rejections } from './tokens.metrics.js';
import { TokensService } from './tokens.service.js';

/**
 * A rejected token younger than this is not refreshed, because a provider may need a moment to know it, in
 * milliseconds.
 */
const leastAgeMs = 30_000;

/** Handles reports by callers that a provider's API rejected a token (TE-09). */
@Injectable()
export class TokenFeedbackService {
  private readonly logger = new Logger(TokenFeedbackService.name);

  constructor(
    private readonly tokens: TokensService,
    private readonly refreshService: RefreshService,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly audit: AuditTrail,
    private readonly clock: Clock,
  ) {}

  /**
   * Refreshes the connection if it still holds the rejected token. So any number of reports on one token lead to one
   * refresh, and reports on a replaced token to none. If the refresh fails, the token stays current.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param fingerprint - of the rejected access token, see {@link tokenFingerprint}
   * @param requester - who reports it; recorded in the audit trail before the refresh
   * @returns whether the token was replaced by now or its lifetime extended: a request with the current token may
   *   succeed
   * @throws {@link UnknownProviderError}, {@link ConnectionNotFoundError} when there is no such connection
   * @throws {@link TokenUnreadableError} when the stored tokens cannot be decrypted
   * @throws {@link DatabaseUnavailableError} when the database does not respond, or the audit entry cannot be written
   */
  async reportRejected(userId: string, slug: string, fingerprint: string, requester: Requester): Promise<boolean> {
    const connection = await this.tokens.get(userId, slug);
    const { accessToken, expiresAt } = await this.tokenVault.open(connection);
    const isCurrent = tokenFingerprint(accessToken) === fingerprint;
    const isAlive = expiresAt === undefined || expiresAt > this.clock.now();
    const ageMs = this.clock.now().getTime() - (connection.lastRefreshedAt?.getTime() ?? -Infinity);
    const refreshes = isCurrent && connection.refreshable && connection.status === 'active' && ageMs >= leastAgeMs;
    rejections.inc({ provider: slug, outcome: refreshes ? 'refreshed' : isCurrent ? 'kept' : 'replaced' });
    if (!refreshes) {
      return !isCurrent;
    }
    await this.audit.record({
      ...requester,
      action: 'token.rejected',
      outcome: 'success',
      userId,
      provider: slug,
      connectionId: connection.id,
    });
    if (isAlive) {
      // If the refresh is refused, this is further evidence against the grant.
      await this.store.noteAccessRejected(connection);
    }
    try {
      await this.refreshService.refresh(connection);
      return true;
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.debug(`The rejected token of connection ${connection.id} could not be replaced: ${error.code}.`);
      return false;
    }
  }
}
