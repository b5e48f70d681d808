import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { CircuitBreakerService } from '../circuit-breaker/circuit-breaker.service.js';
import { forgivesRepeat, inDoubtHoldMs } from '../policy/refresh-policy.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { EndingTerms, RefreshFailureRecord, Connection } from '../store/connection.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { relinkError, toAttemptError } from './refresh-errors.js';
import { toCircuitEvidence, toFailureRecord } from './refresh-failure.js';
import type { RefreshLease } from './refresh-leases.js';
import { RefreshRecorder } from './refresh-recorder.js';

/** How long after a refusal a second one ends the connection if the provider's API rejects the access token too. */
const corroboratedMs = 5 * 60_000;
/** How long after HTTP 410 a second one ends the connection. */
const goneMs = 3_600_000;
/** An ended connection is tried again once a day for a week, in case it was ended by mistake. */
const trialIntervalMs = 24 * 3_600_000;
const trialsForMs = 7 * trialIntervalMs;
/** Longest retry delay for providers that replay a lost response. */
const lostResponseRetryMs = 2_000;
/** How long the short retry delay applies. After that the usual back-off decides. */
const lostResponseQuickMs = 120_000;

/** Records failed attempts: in the circuit breaker, the audit trail and the row, which it may end. */
@Injectable()
export class RefreshFailureRecorder {
  private readonly logger = new Logger(RefreshFailureRecorder.name);

  constructor(
    private readonly store: ConnectionStore,
    private readonly circuitBreakers: CircuitBreakerService,
    private readonly recorder: RefreshRecorder,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Records a failed attempt, and throws the error for its callers. Returns when a new link has replaced the tokens.
   *
   * @param connection - as leased
   * @param error - the error of the provider's refresh
   * @throws {@link TokenRevokedError} when the failure has ended the connection
   * @throws the provider's error, with the seconds until the next attempt
   * @throws {@link ConnectionNotFoundError} when the connection was removed in the meantime
   */
  async record(connection: Connection, lease: RefreshLease, provider: HealthProvider, error: unknown): Promise<void> {
    const { definition } = provider;
    const evidence = toCircuitEvidence(error, connection);
    const circuit = await this.circuitBreakers.record(connection.registrationId, evidence, lease.isTrial);
    const record = this.toRecord(error, connection, definition);
    // An unusual number of refusals is the provider's fault, so none of them is evidence.
    const failure =
      circuit.openUntil !== null && circuit.reason === 'TOKEN_REVOKED' && record.evidence === 'refused'
        ? ({ ...record, evidence: 'ours' } as const)
        : record;
    const holdMs = failure.outcomeKnown ? 0 : inDoubtHoldMs(definition, this.config.inDoubtHoldMs);
    const waitMs = Math.max(failure.retryInMs, holdMs);
    await this.recorder.record(connection, failure.code);
    // If the provider's API still accepts the access token, the refusal may be a mistake.
    const asksAccount = failure.evidence === 'refused' && definition.account.from === 'api';
    const recorded = await this.store.recordFailure(connection, lease.id, failure, this.endingTerms(), {
      dueInMs: Math.max(failure.dueInMs, holdMs),
      asksAccount,
    });
    if (recorded === undefined && (await this.store.findUnchanged(connection)) === undefined) {
      return;
    }
    const hasEnded = recorded?.status === 'needs_relink';
    const consequence = hasEnded
      ? `the connection needs a new link (${recorded.endReason ?? 'no reason'})`
      : `next attempt in ${waitMs} ms`;
    this.logger.warn(
      `${definition.displayName}: refresh of connection ${connection.id} failed with ${failure.code}; ${consequence}.`,
    );
    if (hasEnded && connection.status === 'active') {
      await this.recorder.recordEnd(connection, recorded.endReason);
    }
    throw hasEnded ? relinkError(provider, recorded.endReason) : toAttemptError(error, waitMs);
  }

  private toRecord(error: unknown, connection: Connection, definition: ProviderDefinition): RefreshFailureRecord {
    const record = toFailureRecord(error, connection, { ...this.config, corroboratedMs, goneMs }, Math.random());
    // The provider replays a lost response only for a short time. A response that stays unreadable is an outage.
    const isOld = (connection.inDoubtForMs ?? 0) > lostResponseQuickMs;
    return record.outcomeKnown || isOld || !forgivesRepeat(definition)
      ? record
      : { ...record, retryInMs: Math.min(record.retryInMs, lostResponseRetryMs), dueInMs: lostResponseRetryMs };
  }

  private endingTerms(): EndingTerms {
    const { confirmationMs, unreachableMs } = this.config;
    return {
      confirmationMs,
      corroboratedMs,
      goneMs,
      unreachableMs,
      expiredBefore: new Date(this.clock.now().getTime() - unreachableMs),
      trialInMs: trialIntervalMs * (1 - 0.1 * Math.random()),
      trialsForMs,
    };
  }
}
