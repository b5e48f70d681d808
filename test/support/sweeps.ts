import { afterEach, jest } from '@jest/globals';
import type { FakeProvider } from '../../src/sandbox/fake-provider.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { startApplication, type ApplicationOptions, type TestApplication } from './application.js';
import { findFamily, type CheckedConnection } from './history-checker.js';
import { linkAccount } from './linking.js';
import { earlier } from './rows.js';
import { queryDatabase } from './test-database.js';
import { until } from './until.js';

/** A provider that ends the whole grant when a refresh token comes twice. */
export const slug = 'whoop';
export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

/** Starts the applications of a test. The first one owns the sandbox that the others use. All are closed after it. */
export interface Sweepers {
  readonly start: (options?: ApplicationOptions) => Promise<TestApplication>;
  /** A further replica on the database and at the providers of the first one. */
  readonly startBeside: (first: TestApplication, options?: ApplicationOptions) => Promise<TestApplication>;
  /** Closes one before the test is over. */
  readonly close: (application: TestApplication) => Promise<void>;
}

/** Gives the tests around it applications of their own, and takes mocks back after each test. */
export function useSweepers(): Sweepers {
  const applications: TestApplication[] = [];

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const application of applications.splice(0).reverse()) {
      await application.close();
    }
  });

  async function start(options: ApplicationOptions = {}): Promise<TestApplication> {
    const application = await startApplication(options);
    applications.push(application);
    return application;
  }

  return {
    start,
    startBeside: ({ databaseUrl, rootKey, sandbox, clock }, options = {}) =>
      start({ databaseUrl, rootKey, sandbox, clock, ...options }),
    close: async (application) => {
      applications.splice(applications.indexOf(application), 1);
      await application.close();
    },
  };
}

export function beginSweeping({ app }: TestApplication): void {
  app.get(RefreshScheduler).lookNow();
}

export async function linkMany(
  application: TestApplication,
  count: number,
  provider: string = slug,
): Promise<CheckedConnection[]> {
  const fake = application.sandbox.provider(provider);
  const connections: CheckedConnection[] = [];
  for (let index = 0; index < count; index += 1) {
    const [userId, account] = [`user-${index}`, String(7_000 + index)];
    await linkAccount(application, userId, provider, { account });
    connections.push({ userId, familyId: findFamily(fake, account) });
  }
  return connections;
}

/** Lets every connection be overdue, the first ones longest. */
export async function makeDue({ databaseUrl }: TestApplication): Promise<void> {
  await queryDatabase(
    databaseUrl,
    `UPDATE connections SET refresh_due_at = ${earlier('linked_at', '3600')}, retry_at = NULL`,
  );
}

/** Lets time pass for everything: on the wall clock, and for what the rows remember on the database's clock. */
export async function pass({ clock, databaseUrl }: TestApplication, milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  await queryDatabase(
    databaseUrl,
    `UPDATE connections SET refresh_due_at = ${earlier('refresh_due_at', '$1::float8')}, retry_at = ${earlier('retry_at', '$1::float8')}`,
    [milliseconds / 1_000],
  );
}

interface Count {
  readonly due: number;
  readonly leased: number;
  readonly in_doubt: number;
}

/** Counts connections that are due, leased and in doubt. */
export async function look({ databaseUrl }: Pick<TestApplication, 'databaseUrl'>): Promise<Count> {
  const [count] = await queryDatabase<Count>(
    databaseUrl,
    `SELECT count(*) FILTER (WHERE refresh_due_at <= now())::int AS due,
       count(*) FILTER (WHERE lease_id IS NOT NULL)::int AS leased,
       count(*) FILTER (WHERE attempt_started_at IS NOT NULL)::int AS in_doubt FROM connections`,
  );
  return count ?? { due: 0, leased: 0, in_doubt: 0 };
}

/** Waits until nothing is due and nothing is under way. */
export async function untilSwept(application: Pick<TestApplication, 'databaseUrl'>): Promise<void> {
  await until('nothing is due and nothing under way', async () => {
    const { due, leased } = await look(application);
    return due + leased === 0;
  });
}

export function refreshCount(fake: FakeProvider): number {
  return fake.history.filter(({ kind }) => kind === 'refresh').length;
}

/** Most of these instants, in milliseconds, within one second. */
export function busiestSecond(instants: readonly number[]): number {
  return Math.max(...instants.map((from) => instants.filter((at) => at >= from && at < from + 1_000).length));
}
