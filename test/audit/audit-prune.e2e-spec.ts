import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuditPruner } from '../../src/audit/audit-pruner.js';
import { AuditStore } from '../../src/audit/audit-store.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { AuditVerifier } from '../../src/audit/audit-verifier.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { checkout, startProcess } from '../support/service-process.js';
import { queryDatabase } from '../support/test-database.js';

const dayMs = 24 * 60 * 60 * 1_000;

/**
 * Two writers. The first has the entry of the application's own key and six more of the first day, then six of the
 * eleventh; the second began behind the first day, and has six entries of the eleventh.
 */
describe('pruning the audit trail (LOG-09)', () => {
  let first: TestApplication;
  let second: TestApplication;
  let before: Date;

  beforeEach(async () => {
    first = await startApplication();
    await record(first, 6);
    const { databaseUrl, rootKey, sandbox, clock } = first;
    clock.advance(5 * dayMs);
    before = clock.now();
    clock.advance(5 * dayMs);
    second = await startApplication({ databaseUrl, rootKey, sandbox, clock });
    await record(second, 6);
    await record(first, 6);
  });
  afterEach(async () => {
    await second.close();
    await first.close();
  });

  async function record({ app }: TestApplication, entries: number): Promise<void> {
    for (let entry = 0; entry < entries; entry += 1) {
      await app
        .get(AuditTrail)
        .record({ action: 'token.handed_out', outcome: 'success', actor: 'cli', userId: 'user-1' });
    }
  }

  const prune = (until = before) => first.app.get(AuditPruner).prune(until);
  const tamper = (text: string) => queryDatabase(first.databaseUrl, text);

  async function verify(): Promise<string[]> {
    const findings: string[] = [];
    for await (const { writer, sequence, problem } of first.app.get(AuditVerifier).verify({ writers: 0, entries: 0 })) {
      findings.push(`${writer}/${sequence ?? '*'} ${problem}`);
    }
    return findings;
  }

  async function places(): Promise<string[]> {
    const rows = await queryDatabase<{ place: string }>(
      first.databaseUrl,
      `SELECT writer || '/' || sequence AS place FROM audit_entries ORDER BY writer, sequence`,
    );
    return rows.map(({ place }) => place);
  }

  it('removes old entries and leaves the others unaltered, also while writers continue', async () => {
    expect(await prune()).toBe(7);

    expect((await places()).filter((place) => place.startsWith('1/'))[0]).toBe('1/8');
    expect(await verify()).toEqual([]);
    await record(first, 3);
    await record(second, 3);
    expect(await verify()).toEqual([]);
    expect(await prune()).toBe(0);
    expect(await verify()).toEqual([]);
  });

  it('is not done without an audit entry (LOG-06)', async () => {
    const all = await places();
    await tamper('ALTER TABLE audit_entries ADD CONSTRAINT no_more CHECK (false) NOT VALID');
    await expect(prune()).rejects.toThrow('The audit trail cannot be written');
    expect(await places()).toEqual(all);
  });

  it('never sets a checkpoint back, as a run would that comes too late (LOG-05)', async () => {
    const store = first.app.get(AuditStore, { strict: false });
    const [former] = (await store.readChain(1, undefined, 3)).entries.slice(-1);
    await prune();
    const { checkpoint } = await store.readChain(1, undefined, 1);
    expect(checkpoint.sequence).toBeGreaterThan(former?.sequence ?? 0);

    const late = { sequence: former?.sequence ?? 0, mac: Buffer.alloc(32), signature: Buffer.alloc(32) };
    expect(await store.prune(1, late)).toBe(0);

    expect((await store.readChain(1, undefined, 1)).checkpoint).toEqual(checkpoint);
    await expect(verify()).resolves.toEqual([]);
  });

  it('leaves an audit entry', async () => {
    await prune();
    const found = await first.api.get('/v1/audit').query({ action: 'audit.pruned' }).expect(200);
    expect(found.body).toMatchObject({ entries: [{ actor: 'cli', subject: `before:${before.toISOString()}` }] });
  });

  it('removes whole chains, a thousand entries at a time, and continues from a checkpoint', async () => {
    const trail = second.app.get(AuditTrail);
    await Promise.all(
      Array.from({ length: 2_500 }, () =>
        trail.record({ action: 'access.denied', outcome: 'denied', actor: 'unknown' }),
      ),
    );
    await prune();
    first.clock.advance(dayMs);
    const removed = await prune(first.clock.now());
    expect(removed).toBeGreaterThan(2_500);
    // The entry of the pruning itself.
    expect(await places()).toEqual([expect.stringMatching(/^1\//)]);
    expect(await verify()).toEqual([]);
    await record(first, 1);
    await record(second, 1);
    expect(await verify()).toEqual([]);
  });

  it('can be done while the trail is verified', async () => {
    const trail = second.app.get(AuditTrail);
    await Promise.all(
      Array.from({ length: 3_000 }, () =>
        trail.record({ action: 'access.denied', outcome: 'denied', actor: 'unknown' }),
      ),
    );
    first.clock.advance(dayMs);
    const [findings] = await Promise.all([verify(), prune(first.clock.now())]);
    expect(findings).toEqual([]);
  });

  it.each([
    [
      'an entry behind the checkpoint was changed',
      `UPDATE audit_entries SET actor = 'x' WHERE writer = 1 AND sequence = 8`,
      '1/8 was changed',
    ],
    [
      'the entry behind the checkpoint is gone',
      'DELETE FROM audit_entries WHERE writer = 1 AND sequence = 8',
      '1/8 is missing, so the next one cannot be checked',
    ],
    [
      'the checkpoint is gone',
      'UPDATE audit_writers SET pruned_sequence = 0 WHERE number = 1',
      '1/1 and all after it up to 7 are missing, so the next one cannot be checked',
    ],
    [
      'the checkpoint was set back',
      'UPDATE audit_writers SET pruned_sequence = 5 WHERE number = 1',
      '1/5 and all before it are missing, without a signed checkpoint',
    ],
    [
      'more was removed, and the checkpoint moved there without the key',
      `WITH moved AS (
         UPDATE audit_writers SET pruned_sequence = 9, pruned_mac = mac FROM audit_entries
         WHERE number = 1 AND writer = 1 AND sequence = 9)
       DELETE FROM audit_entries WHERE writer = 1 AND sequence <= 9`,
      '1/9 and all before it are missing, without a signed checkpoint',
    ],
    [
      'another writer was given the checkpoint of this one',
      `WITH first AS MATERIALIZED (SELECT * FROM audit_writers WHERE number = 1)
       UPDATE audit_writers SET pruned_sequence = first.pruned_sequence, pruned_mac = first.pruned_mac,
         pruned_signature = first.pruned_signature FROM first WHERE audit_writers.number = 2`,
      '2/7 and all before it are missing, without a signed checkpoint',
    ],
    [
      'the MAC of the checkpoint was changed',
      `UPDATE audit_writers SET pruned_mac = sha256('x') WHERE number = 1`,
      '1/7 and all before it are missing, without a signed checkpoint',
    ],
    [
      'an entry was put back',
      `INSERT INTO audit_entries SELECT 1, 3, recorded_at, action, outcome, actor, user_digest, provider, connection_id, subject, code, request_id, mac FROM audit_entries WHERE writer = 1 AND sequence = 8`,
      '1/3 was removed before, and is there again',
    ],
  ])('still is found out, when %s (LOG-05)', async (_, change, finding) => {
    await prune();
    expect(await verify()).toEqual([]);
    await tamper(change);
    expect(await verify()).toContain(finding);
  });

  it('does not erase the traces of an attacker who has changed the trail (LOG-05)', async () => {
    await tamper(`UPDATE audit_entries SET actor = 'x' WHERE writer = 1 AND sequence = 4`);
    await expect(prune()).rejects.toThrow('Writer 1, entry 4 was changed');
    expect(await verify()).toEqual(['1/4 was changed']);
  });

  it('refuses an entry that was moved to another place in its chain (LOG-05)', async () => {
    first.clock.advance(dayMs);
    await tamper('UPDATE audit_entries SET sequence = 70 WHERE writer = 2 AND sequence = 7');
    await expect(prune(first.clock.now())).rejects.toThrow('Writer 2, entry 70 was changed');
    expect(await places()).toContain('2/70');
  });

  it('does not remove entries that somebody put in front of the first one (LOG-05)', async () => {
    await tamper(`INSERT INTO audit_entries SELECT writer, 0, recorded_at, action, outcome, actor, user_digest, provider,
      connection_id, subject, code, request_id, mac FROM audit_entries WHERE writer = 1 AND sequence = 1`);
    await prune();
    expect(await verify()).toEqual(['1/0 was added: entries begin at 1']);
  });

  it('does not follow a checkpoint that is not signed (LOG-05)', async () => {
    await prune();
    await tamper('UPDATE audit_writers SET pruned_sequence = 8 WHERE number = 1');
    await expect(prune()).rejects.toThrow('Writer 1, entry 8 was changed');
  });

  it('is a command, for days that are over', async () => {
    const run = async (day: string) => {
      const program = startProcess([join(checkout, 'dist/cli/main.js'), 'audit', 'prune', '--before', day], tmpdir(), {
        NODE_ENV: 'production',
        ENVIRONMENT_NAME: 'test',
        DATABASE_URL: first.databaseUrl,
        ENCRYPTION_ROOT_KEY: first.rootKey,
      });
      const { status } = await program.ended();
      return { status, output: program.output() };
    };
    expect(await run('2020-01-31')).toEqual({
      status: 0,
      output: '0 entries from before 2020-01-31T00:00:00.000Z were removed.\n',
    });
    for (const day of ['2999-01-01', 'yesterday', '2020-13-01']) {
      expect(await run(day)).toMatchObject({ status: 2, output: expect.stringContaining('a past date') });
    }
    expect(await verify()).toEqual([]);
  });
});
