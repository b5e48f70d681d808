import { Inject, Injectable, Logger } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import type { EventType } from '../../events/event-type.js';
import { providerOf } from '../../provider-kit/registration.js';
import {
  afterRefresh,
  closedCircuit,
  type CircuitReason,
  type CircuitState,
  type CircuitEvidence,
} from './circuit-state.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { circuitOpenings, circuitsOpen } from '../tokens.metrics.js';

const find: Statement = {
  name: 'circuit-breakers-find',
  text: `SELECT now.now, open_until AS "openUntil", reason, trial_until AS "trialUntil", openings, streak,
           window_started_at AS "windowStartedAt", decisions, suspects, suspects_forgotten_at AS "suspectsForgottenAt", version
         FROM (SELECT now()) AS now LEFT JOIN circuit_breakers ON registration_id = $1`,
};
const listOpen: Statement = {
  name: 'circuit-breakers-list-open',
  text: `SELECT registration_id AS "registrationId" FROM circuit_breakers WHERE greatest(open_until, trial_until) > now()`,
};
const save: Statement = {
  name: 'circuit-breakers-save',
  text: `WITH saved AS (
         INSERT INTO circuit_breakers (registration_id, open_until, reason, trial_until, openings, streak, window_started_at,
           decisions, suspects, suspects_forgotten_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
         ON CONFLICT (registration_id) DO UPDATE SET open_until = $2, reason = $3, trial_until = $4, openings = $5, streak = $6,
           window_started_at = $7, decisions = $8, suspects = $9, suspects_forgotten_at = $10, version = circuit_breakers.version + 1
         WHERE circuit_breakers.version = $11
         RETURNING registration_id
       ), told AS (
         INSERT INTO events (id, type, provider, details, source, proof)
         SELECT gen_random_uuid(), $12, $13, CASE WHEN $12 = 'provider.degraded' THEN jsonb_build_object('error_code', $3::text) ELSE '{}' END,
           'refresh', 'confirmed'
         FROM saved WHERE $12::text IS NOT NULL
       )
       SELECT registration_id FROM saved`,
};

/** The circuit breaker as a row, with the database's clock; only the clock where no row exists yet. */
type Row = { readonly now: Date } & ((CircuitState & { readonly version: number }) | { readonly version: null });

/** How often successes are shared with the other replicas, in milliseconds. */
const saveSuccessesEveryMs = 1_000;

/** Why refreshes at a provider are paused, and for how long. */
export interface OpenCircuit {
  readonly reason: CircuitReason;
  readonly waitMs: number;
}

/** A registration, as seen by this process. */
interface Known {
  /** Successes not written yet. */
  successes: number;
  writtenAt: number;
  /** When this process last opened the circuit breaker or kept it open; on the clock of `performance.now`. */
  openedAt: number;
  /** The last write; the next one waits for it. */
  writing: Promise<unknown>;
}

/**
 * The circuit breakers of the providers, one for each registration, shared by all replicas through the database.
 *
 * The statement that takes a lease checks the circuit breaker (see {@link RefreshLeases}); this class records results.
 * A success costs nothing: it is counted, and saved with the next failure or after a second. Every save is a
 * compare-and-set.
 */
@Injectable()
export class CircuitBreakerService {
  private readonly logger = new Logger(CircuitBreakerService.name);
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly database: Database,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /** Returns why a registration's circuit breaker is open; `undefined` when it is closed, or ready for a trial. */
  async findOpen(registrationId: string): Promise<OpenCircuit | undefined> {
    const { now, ...row } = await this.read(registrationId);
    if (row.version === null || row.openUntil === null || row.reason === null) {
      return undefined;
    }
    const waitMs = Math.max(row.openUntil.getTime(), row.trialUntil?.getTime() ?? 0) - now.getTime();
    return waitMs > 0 ? { reason: row.reason, waitMs } : undefined;
  }

  /** Returns the registrations whose circuit breakers are open. */
  async listOpen(): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ registrationId: string }>(listOpen, []);
    return new Set(rows.map(({ registrationId }) => registrationId));
  }

  /**
   * Whether a refresh of this process has opened the circuit breaker since that instant. Costs nothing; does not cover
   * other replicas.
   *
   * @param sinceMs - an instant of `performance.now`
   */
  hasOpenedSince(registrationId: string, sinceMs: number): boolean {
    return this.knownOf(registrationId).openedAt >= sinceMs;
  }

  /**
   * Counts a successful refresh. A successful trial closes the circuit breaker before this returns; otherwise nothing
   * is awaited.
   */
  async recordSuccess(registrationId: string, isTrial: boolean): Promise<void> {
    const known = this.knownOf(registrationId);
    if (!isTrial) {
      known.successes += 1;
      if (performance.now() - known.writtenAt < saveSuccessesEveryMs) {
        return;
      }
      known.writtenAt = performance.now();
    }
    const written = this.record(registrationId, { kind: 'responded', count: isTrial ? 1 : 0 }, isTrial).catch(() => {
      // The tokens are saved. A missing count, or a trial that runs out, is no reason to fail.
      this.logger.warn(`The circuit breaker of ${registrationId} could not be saved.`);
    });
    if (isTrial) {
      await written;
    }
  }

  /**
   * Updates the circuit breaker with the outcome of a refresh.
   *
   * @returns the circuit breaker afterwards
   * @throws {@link DatabaseUnavailableError} when it cannot be written
   */
  record(registrationId: string, outcome: CircuitEvidence, isTrial: boolean): Promise<CircuitState> {
    const known = this.knownOf(registrationId);
    const written = known.writing.then(() => this.change(registrationId, known, outcome, isTrial));
    known.writing = written.catch(() => undefined);
    return written;
  }

  private async change(
    registrationId: string,
    known: Known,
    outcome: CircuitEvidence,
    isTrial: boolean,
  ): Promise<CircuitState> {
    for (;;) {
      const count = known.successes;
      const { now, ...row } = await this.read(registrationId);
      const before = row.version === null ? closedCircuit(now) : row;
      const counted = afterRefresh(before, { kind: 'responded', count }, false, this.config.circuit, now, 0);
      const after = afterRefresh(
        count === 0 ? before : counted,
        outcome,
        isTrial,
        this.config.circuit,
        now,
        Math.random(),
      );
      if (await this.write(registrationId, after, row.version, eventOf(before, after))) {
        known.successes -= count;
        known.openedAt = after.openUntil === null ? -Infinity : performance.now();
        this.announce(registrationId, before, after);
        return after;
      }
    }
  }

  /** Saves the circuit breaker, and the event of a change, if its row has not changed since it was read. */
  private async write(
    registrationId: string,
    circuit: CircuitState,
    version: number | null,
    event: EventType | null,
  ): Promise<boolean> {
    const rows = await this.database.query(save, [
      registrationId,
      circuit.openUntil,
      circuit.reason,
      circuit.trialUntil,
      circuit.openings,
      circuit.streak,
      circuit.windowStartedAt,
      circuit.decisions,
      circuit.suspects,
      circuit.suspectsForgottenAt,
      version ?? 0,
      event,
      providerOf(registrationId),
    ]);
    return rows.length === 1;
  }

  private async read(registrationId: string): Promise<Row> {
    const [row] = await this.database.query<Row>(find, [registrationId]);
    if (row === undefined) {
      throw new Error('The database did not return its time.');
    }
    return row;
  }

  private announce(registrationId: string, before: CircuitState, after: CircuitState): void {
    circuitsOpen.set({ registration: registrationId }, after.openUntil === null ? 0 : 1);
    if (after.openings > before.openings) {
      const reason = after.reason ?? 'none';
      circuitOpenings.inc({ registration: registrationId, reason });
      const until = after.openUntil?.toISOString() ?? 'now';
      this.logger.error(`Circuit breaker open: refreshes for ${registrationId} are paused until ${until} (${reason}).`);
    } else if (before.openUntil !== null && after.openUntil === null) {
      this.logger.log(`Circuit breaker closed: refreshes for ${registrationId} have resumed.`);
    }
  }

  private knownOf(registrationId: string): Known {
    let known = this.known.get(registrationId);
    if (known === undefined) {
      known = { successes: 0, writtenAt: 0, openedAt: -Infinity, writing: Promise.resolve() };
      this.known.set(registrationId, known);
    }
    return known;
  }
}

/** Returns the event of a change; `null` while the circuit breaker stays open or closed. */
function eventOf(before: CircuitState, after: CircuitState): EventType | null {
  if ((before.openUntil === null) === (after.openUntil === null)) {
    return null;
  }
  return after.openUntil === null ? 'provider.restored' : 'provider.degraded';
}
