import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import type { HistoryEntry } from '../../src/sandbox/call-history.js';
import type { FakeProvider } from '../../src/sandbox/fake-provider.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { TokenSet } from '../../src/tokens/token-set.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';
import type { TestApplication } from './application.js';
import { linkAccount } from './linking.js';
import { endMisbehavior } from './fake-providers.js';
import { deleteRows, passTimeInRows, rowsOf } from './rows.js';
import { queryDatabase } from './test-database.js';
import { until } from './until.js';

/** The connections table, as far as refreshes write to it. */
export interface Row {
  readonly status: string;
  readonly secret_gen: number;
  readonly sealed: Buffer;
  readonly lease_id: string | null;
  readonly attempt_started_at: Date | null;
  readonly failed_attempts: number;
  readonly retry_at: Date | null;
  readonly suspect_since: Date | null;
  readonly end_reason: string | null;
  readonly ended_at: Date | null;
  readonly refresh_due_at: Date | null;
  readonly last_error_code: string | null;
  readonly last_error_at: Date | null;
}

export interface TokenBody {
  readonly access_token: string;
  readonly code: string;
  readonly act: string;
  readonly retry_after_seconds: number;
}

/** Instants of refreshes, and of the end of a connection. */
const pastColumns = [
  'retry_at',
  'suspect_since',
  'gone_since',
  'failing_since',
  'access_rejected_at',
  'ended_at',
  'attempt_started_at',
];

/** The default of REFRESH_CONFIRMATION_SECONDS: a second refusal after it ends a connection. */
export const confirmationSeconds = 75 * 60;

let nextUser = 1;

/** One user linked to one provider, and everything that a test does with it. */
export class Subject {
  readonly fake: FakeProvider;
  private readonly path: string;
  private readonly callsBefore: number;

  private constructor(
    readonly application: TestApplication,
    readonly userId: string,
    readonly slug: string,
    readonly account: string,
    readonly familyId: string,
  ) {
    this.fake = application.sandbox.provider(slug);
    this.path = `/v1/users/${userId}/connections/${slug}`;
    this.callsBefore = this.fake.history.length;
  }

  static async link(application: TestApplication, slug: string): Promise<Subject> {
    const number = nextUser;
    nextUser += 1;
    const account = String(5_000 + number);
    await linkAccount(application, `user-${number}`, slug, { account });
    const grant = application.sandbox
      .provider(slug)
      .liveGrants()
      .find(({ accountId }) => accountId === account);
    return new Subject(application, `user-${number}`, slug, account, grant?.familyId ?? 'oauth1');
  }

  read() {
    return this.application.api.get(`${this.path}/token`);
  }

  /** Asks for a refresh, with any outcome. */
  async force(): Promise<TokenBody & { status: number }> {
    const response = await this.refresh();
    return { ...(response.body as TokenBody), status: response.status };
  }

  refresh() {
    return this.application.api.post(`${this.path}/refresh`);
  }

  unlink() {
    return this.application.api.delete(this.path);
  }

  look() {
    return this.application.api.get(this.path);
  }

  /** The connection as the API shows it. */
  async view(): Promise<Record<string, unknown>> {
    const response = await this.look().expect(200);
    return response.body as Record<string, unknown>;
  }

  /** Reads a token that must be there. */
  async token(): Promise<string> {
    const response = await this.read().expect(200);
    return (response.body as TokenBody).access_token;
  }

  /** Reads a token that must not be there. */
  async refusal(): Promise<TokenBody & { status: number }> {
    const response = await this.read();
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.body).not.toHaveProperty('access_token');
    return { ...(response.body as TokenBody), status: response.status };
  }

  /** Puts the clock to so many milliseconds before the end of the token. */
  async liveFor(milliseconds: number): Promise<void> {
    const { expires_at: expiresAt } = await this.view();
    const { clock } = this.application;
    clock.advance(Date.parse(String(expiresAt)) - milliseconds - clock.now().getTime());
  }

  /** The provider ends the token a second later than the service does. */
  expire(): Promise<void> {
    return this.liveFor(-2_000);
  }

  /** Ends the connection as two refusals do. The provider keeps refusing. */
  async endByRefusals(): Promise<void> {
    this.fake.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }), Infinity);
    await this.expire();
    await this.refusal();
    await this.passInDatabase(confirmationSeconds + 1);
    expect(await this.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });
  }

  /** Refreshes that the provider has seen since the link, with any outcome. */
  get refreshes(): readonly HistoryEntry[] {
    return this.fake.history.slice(this.callsBefore).filter(({ kind }) => kind === 'refresh');
  }

  async find(): Promise<Row | undefined> {
    const [row] = await rowsOf<Row>(this.application.databaseUrl, 'connections', {
      user_id: this.userId,
      provider: this.slug,
    });
    return row;
  }

  async row(): Promise<Row> {
    const row = await this.find();
    expect(row).toBeDefined();
    return row as Row;
  }

  /**
   * Lets time pass in the database: moves what the row, and the circuit breakers if no columns are named, remember into
   * the past.
   */
  async passInDatabase(seconds: number, columns?: readonly string[]): Promise<void> {
    if (columns === undefined) {
      await passTimeAtCircuitBreakers(this.application, seconds);
    }
    const where = { user_id: this.userId, provider: this.slug };
    await passTimeInRows(this.application.databaseUrl, 'connections', columns ?? pastColumns, seconds, where);
  }

  /** Opens what is stored. */
  async stored(): Promise<TokenSet> {
    const connection = await this.application.app.get(ConnectionStore).find(this.userId, this.slug);
    if (connection === undefined) {
      throw new Error('There is no such connection.');
    }
    return this.application.app.get(TokenVault).open(connection);
  }

  /** Checks that what is stored is what the provider takes. */
  async expectStoredTokensAlive(): Promise<void> {
    const { accessToken, refreshToken } = await this.stored();
    expect(this.fake.isLiveAccessToken(accessToken)).toBe(true);
    expect(this.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
  }

  /** Whether the grant of the first link still stands at the provider. */
  get isGrantAlive(): boolean {
    return this.fake.liveGrants().some(({ familyId }) => familyId === this.familyId);
  }

  /** Waits until the provider is working on a refresh. */
  async refreshInFlight(): Promise<HistoryEntry> {
    const inFlight = () => this.refreshes.find(({ endsAt }) => endsAt === undefined);
    await until('the provider is working on a refresh', () => inFlight() !== undefined);
    return inFlight() as HistoryEntry;
  }
}

/** Lets time pass for the circuit breakers of all providers. */
export async function passTimeAtCircuitBreakers({ databaseUrl }: TestApplication, seconds: number): Promise<void> {
  const columns = ['open_until', 'trial_until', 'window_started_at', 'suspects_forgotten_at'];
  await passTimeInRows(databaseUrl, 'circuit_breakers', columns, seconds);
  // A process that has read them learns of it.
  await queryDatabase(databaseUrl, 'UPDATE circuit_breakers SET version = version + 1');
}

/** Closes the circuit breakers of all providers, and forgets their history. */
export async function resetCircuitBreakers({ databaseUrl }: TestApplication): Promise<void> {
  await deleteRows(databaseUrl, 'circuit_breakers');
}

/** Lets every provider of the sandbox behave, and refreshes go to it again. */
export async function endAllTrouble(application: TestApplication): Promise<void> {
  endMisbehavior(application);
  await resetCircuitBreakers(application);
}

/** As the history of a fake provider names a refresh token. */
export function fingerprint(token: string | undefined): string {
  return createHash('sha256')
    .update(token ?? '')
    .digest('hex')
    .slice(0, 12);
}

type WithoutEndpoint<Type> = Type extends { endpoint: unknown } ? Omit<Type, 'endpoint'> : never;

/** Something that goes wrong with a refresh. */
export function at(wrong: WithoutEndpoint<Misbehaviour>): Misbehaviour {
  return { endpoint: 'refresh', ...wrong } as Misbehaviour;
}
