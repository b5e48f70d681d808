import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { KeyRing } from '../../src/vault/key-ring.js';
import { KeyStore } from '../../src/vault/key-store.js';
import { Reencryption } from '../../src/vault/reencryption.js';
import { kidOf, SealedRows, type SealedRow } from '../../src/vault/sealed-rows.js';
import type { SealPurpose } from '../../src/vault/associated-data.js';
import { type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { findViolations } from '../support/history-checker.js';
import { pathOf, startLink } from '../support/linking.js';
import { randomNumbers } from '../support/random-numbers.js';
import { checkout, startProcess } from '../support/service-process.js';
import { changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { linkMany, useSweepers } from '../support/sweeps.js';
import { neverReloaded, oftenReloaded, rotate } from '../support/key-rotation.js';

const { start } = useSweepers();

const kills = Number(process.env['KEY_KILLS'] ?? 4);
const seed = Number(process.env['KEY_SEED'] ?? 1);

async function kidsOf({ databaseUrl }: TestApplication, table: 'connections' | 'links'): Promise<Set<string>> {
  const rows = await queryDatabase<{ sealed: Buffer }>(
    databaseUrl,
    `SELECT sealed FROM ${table} WHERE sealed IS NOT NULL`,
  );
  return new Set(rows.map(({ sealed }) => kidOf(sealed) ?? 'unreadable'));
}

const tokenPath = (userId: string): string => `/v1/users/${userId}/connections/whoop/token`;
const quiet = (): void => undefined;

describe('a key of a version that knew one suite', () => {
  it('still seals and opens with suite 1, and re-encryption moves its values to suite 2', async () => {
    const application = await start();
    const suitesOf = async (): Promise<unknown[]> =>
      queryDatabase(application.databaseUrl, 'SELECT DISTINCT get_byte(sealed, 3) AS suite FROM connections');
    await changeRows(application.databaseUrl, 'vault_keys', { suite: 1 });
    await application.app.get(KeyRing).reloadNow();
    await linkMany(application, 2);
    await expect(suitesOf()).resolves.toEqual([{ suite: 1 }]);

    await rotate(application, 'connections.sealed');
    await application.api.get(tokenPath('user-0')).expect(200);
    const done = await application.app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    expect(done).toMatchObject({ moved: 2, unreadable: 0 });
    await expect(suitesOf()).resolves.toEqual([{ suite: 2 }]);
    await application.api.get(tokenPath('user-1')).expect(200);
  });
});

/** Lets a refresh happen between the moment a row was read and the moment it is replaced. */
class InterruptedRows extends SealedRows {
  refresh: () => Promise<unknown> = () => Promise.resolve();

  override async replace(purpose: SealPurpose, row: SealedRow, sealed: Buffer): Promise<boolean> {
    await this.refresh();
    return super.replace(purpose, row, sealed);
  }
}

/** Writes over the row, even if it has changed. */
class CarelessRows extends InterruptedRows {
  databaseUrl = '';

  override async replace(_purpose: SealPurpose, row: SealedRow, sealed: Buffer): Promise<boolean> {
    await this.refresh();
    await changeRows(this.databaseUrl, 'connections', { sealed }, { id: row.rowId });
    return true;
  }
}

describe('re-encryption', () => {
  it('moves every sealed column, and only values that are not under the active key (CR-08)', async () => {
    const application = await start({ environment: oftenReloaded });
    await linkMany(application, 3);
    await startLink(application, 'user-9', 'whoop');
    const parked = { return_url: 'http://localhost/linked', require_confirmation: true };
    const { linkWebUrl } = await startLink(application, 'user-10', 'whoop', parked);
    const back = await application.browser.get(pathOf(await consent(linkWebUrl)));
    const response = new URL(String(back.headers['location'])).searchParams;
    const reencryption = application.app.get(Reencryption);
    for (const [purpose, table, count] of [
      ['connections.sealed', 'connections', 3],
      ['links.sealed', 'links', 2],
    ] as const) {
      const kid = await rotate(application, purpose);
      const reports: number[] = [];
      const done = await reencryption.run(purpose, 1_000, ({ seen }) => reports.push(seen));
      expect(done).toMatchObject({ moved: count, superseded: 0, unreadable: 0 });
      expect(Math.max(...reports)).toBe(count);
      await expect(kidsOf(application, table)).resolves.toEqual(new Set([kid]));
      await expect(reencryption.run(purpose, 1_000, quiet)).resolves.toMatchObject({ moved: 0 });
    }
    await application.api
      .post(`/v1/links/${response.get('link_id')}/confirm`)
      .send({ user_id: 'user-10', confirmation_code: response.get('confirmation_code') })
      .expect(200);
  });

  it('uses the currently active key, which another process may have promoted in the meantime (CR-08)', async () => {
    const application = await start({ environment: neverReloaded });
    await linkMany(application, 2);
    const [ring, store] = [application.app.get(KeyRing), application.app.get(KeyStore, { strict: false })];
    const made = await ring.createKey('connections.sealed');
    await store.insertPending(made);
    expect(await store.promote(made.kid, true)).toBe(true);
    const done = await application.app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    expect(done).toMatchObject({ moved: 2, unreadable: 0 });
    await expect(kidsOf(application, 'connections')).resolves.toEqual(new Set([made.kid]));
  });

  it('leaves a value that does not open unchanged, and counts it (CR-08)', async () => {
    const application = await start({ environment: oftenReloaded });
    await linkMany(application, 2);
    await changeRows(application.databaseUrl, 'connections', { secret_gen: 9 }, { user_id: 'user-0' });
    await rotate(application, 'connections.sealed');
    const done = await application.app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    expect(done).toMatchObject({ moved: 1, unreadable: 1 });
  });

  it('never overwrites a newer token set, and a refresh under way still commits (CR-08, R-21)', async () => {
    const application = await start({
      environment: oftenReloaded,
      override: (builder) =>
        builder.overrideProvider(SealedRows).useFactory({
          factory: (database: Database) => new InterruptedRows(database),
          inject: [Database],
        }),
    });
    const connections = await linkMany(application, 1);
    const kid = await rotate(application, 'connections.sealed');
    const rows = application.app.get<InterruptedRows>(SealedRows);
    rows.refresh = () => application.api.post('/v1/users/user-0/connections/whoop/refresh').expect(200);

    const done = await application.app.get(Reencryption).run('connections.sealed', 1_000, quiet);

    expect(done).toMatchObject({ moved: 0, superseded: 1 });
    await expect(kidsOf(application, 'connections')).resolves.toEqual(new Set([kid]));
    const fake = application.sandbox.provider('whoop');
    await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
  });

  it('loses the token set without the comparison (CR-08)', async () => {
    const application = await start({
      environment: oftenReloaded,
      override: (builder) =>
        builder.overrideProvider(SealedRows).useFactory({
          factory: (database: Database) => new CarelessRows(database),
          inject: [Database],
        }),
    });
    await linkMany(application, 1);
    await rotate(application, 'connections.sealed');
    const rows = application.app.get<CarelessRows>(SealedRows);
    rows.databaseUrl = application.databaseUrl;
    rows.refresh = () => application.api.post('/v1/users/user-0/connections/whoop/refresh').expect(200);
    await application.app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    await application.api.get(tokenPath('user-0')).expect(500);
  });

  it(
    `killed ${kills} times at random points while refreshes run ends with every row under the new key and live tokens (CR-08)`,
    async () => {
      const application = await start({ environment: oftenReloaded });
      const connections = await linkMany(application, 30);
      const directory = await mkdtemp(join(tmpdir(), 'cufflink-keys-'));
      const random = randomNumbers(seed);
      let stop = false;
      const refreshes = [0, 1].map(async (worker) => {
        let done = 0;
        for (let round = worker; !stop && round < 100_000; round += 2) {
          await application.api.post(`/v1/users/user-${round % 30}/connections/whoop/refresh`).expect(200);
          done += 1;
          await sleep(20);
        }
        return done;
      });
      const reencrypt = (rate: number) =>
        startProcess(
          [
            join(checkout, 'dist/cli/main.js'),
            'keys',
            'reencrypt',
            '--purpose',
            'connections.sealed',
            '--rate',
            String(rate),
          ],
          directory,
          {
            NODE_ENV: 'test',
            DATABASE_URL: application.databaseUrl,
            ENCRYPTION_ROOT_KEY: application.rootKey,
          },
        );
      try {
        const killed: (NodeJS.Signals | null)[] = [];
        for (let kill = 0; kill < kills; kill += 1) {
          await rotate(application, 'connections.sealed');
          const job = reencrypt(20);
          const hasBegun = (): boolean => job.stderr().includes('rows checked') || job.child.exitCode !== null;
          await until('the job has begun', hasBegun);
          await sleep(random() * 500);
          killed.push((await job.stop('SIGKILL')).signal);
        }
        const job = reencrypt(10_000);
        const { status } = await job.ended();
        expect({ status, output: job.output() }).toMatchObject({ status: 0 });
        expect(killed).toContain('SIGKILL');
      } finally {
        stop = true;
        await rm(directory, { recursive: true });
      }
      const counts = await Promise.all(refreshes);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      const { kid } = application.app.get(KeyRing).getActive('connections.sealed');
      await expect(kidsOf(application, 'connections')).resolves.toEqual(new Set([kid]));
      const fake = application.sandbox.provider('whoop');
      await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
    },
    120_000 + kills * 10_000,
  );
});
