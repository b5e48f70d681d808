import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { registrationId } from '../provider-kit/registration.js';
import type { FleetCount } from './fleet-count.js';
import { FleetCounts } from './fleet-counts.js';

/** How long this process uses a result, in milliseconds. */
const cacheMs = 5_000;
/** Least connections for a share. With fewer, it says more about single users than about the provider. */
const leastConnections = 20;

/** Reasons of active connections whose last refresh failed. */
const failing: readonly (string | null)[] = ['refresh_failing', 'refusal_unconfirmed', 'gone_unconfirmed'];

/** `open`: refreshes are paused. `half_open`: one trial decides. */
export type CircuitBreakerStatus = 'closed' | 'open' | 'half_open';

/** The state of refreshes at a provider. */
export interface RefreshHealth {
  readonly circuitBreaker: CircuitBreakerStatus;
  /** The error that opened the circuit breaker; `null` while it is closed. */
  readonly reason: string | null;
  /** When the next trial may begin; `null` unless the circuit breaker is open. */
  readonly retryAt: Date | null;
  readonly active: number;
  /** Active connections whose last refresh failed. */
  readonly failing: number;
  readonly needsRelink: number;
  /** `failing` of `active`, from 0 to 1; `null` with too few connections. */
  readonly failingShare: number | null;
  /** When the connections were counted; `null` before the first count. */
  readonly countedAt: Date | null;
}

interface CircuitRow {
  readonly registrationId: string;
  readonly status: CircuitBreakerStatus;
  readonly reason: string | null;
  readonly retryAt: Date | null;
}

const readCircuits: Statement = {
  name: 'circuit-breakers-list',
  text: `SELECT registration_id AS "registrationId", reason,
           CASE WHEN open_until > now() THEN 'open' ELSE 'half_open' END AS status,
           CASE WHEN open_until > now() THEN open_until END AS "retryAt"
         FROM circuit_breakers WHERE open_until IS NOT NULL`,
};

interface Known {
  readonly circuits: ReadonlyMap<string, CircuitRow>;
  readonly counted: FleetCount | undefined;
}

/** The health of providers, by the outcomes of refreshes. */
@Injectable()
export class ProviderHealth {
  private cached: { readonly at: number; readonly known: Promise<Known> } | undefined;

  constructor(
    private readonly database: Database,
    private readonly counts: FleetCounts,
  ) {}

  /**
   * Returns the health of providers: their circuit breakers as of 5 s ago, their connections as last counted.
   *
   * @returns by slug
   * @throws {@link DatabaseUnavailableError}
   */
  async of(providers: readonly HealthProvider[]): Promise<ReadonlyMap<string, RefreshHealth>> {
    const known = await this.read();
    return new Map(providers.map((provider) => [provider.definition.slug, toHealth(provider, known)]));
  }

  private read(): Promise<Known> {
    if (this.cached === undefined || performance.now() - this.cached.at > cacheMs) {
      const known = this.readNow();
      this.cached = { at: performance.now(), known };
      known.catch(() => (this.cached = undefined));
    }
    return this.cached.known;
  }

  private async readNow(): Promise<Known> {
    const [rows, counted] = await Promise.all([this.database.query<CircuitRow>(readCircuits), this.counts.latest()]);
    return { circuits: new Map(rows.map((row) => [row.registrationId, row])), counted };
  }
}

function toHealth(provider: HealthProvider, { circuits, counted }: Known): RefreshHealth {
  const circuit = circuits.get(registrationId(provider));
  const own = (counted?.counts ?? []).filter((count) => count.provider === provider.definition.slug);
  const sum = (counts: typeof own): number => counts.reduce((total, { connections }) => total + connections, 0);
  const active = own.filter(({ status }) => status === 'active');
  const [all, failed] = [sum(active), sum(active.filter(({ reason }) => failing.includes(reason)))];
  return {
    circuitBreaker: circuit?.status ?? 'closed',
    reason: circuit?.reason ?? null,
    retryAt: circuit?.retryAt ?? null,
    active: all,
    failing: failed,
    needsRelink: sum(own) - all,
    failingShare: all < leastConnections ? null : failed / all,
    countedAt: counted?.countedAt ?? null,
  };
}
