import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { beginningOf, chain, signHead, type ChainHead } from '../../src/audit/audit-chain.js';
import type { AuditEvent } from '../../src/audit/audit-event.js';
import { formatHead, parseHead, type SignedHead } from '../../src/audit/audit-head.js';
import { AuditPruner } from '../../src/audit/audit-pruner.js';
import { AuditStore } from '../../src/audit/audit-store.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { AuditVerifier } from '../../src/audit/audit-verifier.js';
import { RowVerifier } from '../../src/audit/row-verifier.js';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { Database } from '../../src/database/database.js';
import { scrub } from '../../src/redaction/scrub.js';
import { KeyRing } from '../../src/vault/key-ring.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { earlier } from '../support/rows.js';
import { checkout, startProcess } from '../support/service-process.js';
import { queryDatabase } from '../support/test-database.js';

const event: AuditEvent = { action: 'token.handed_out', outcome: 'success', actor: 'api-key:0123', userId: 'user-1' };

describe('the audit verifier', () => {
  let applications: TestApplication[];
  let first: TestApplication;

  /**
   * Two writers: the first with the key of the application and six entries, the second, begun after it, with as many.
   */
  beforeEach(async () => {
    first = await startApplication();
    applications = [first];
    await recordSix(first);
    const { databaseUrl, rootKey, sandbox, clock } = first;
    const second = await startApplication({ databaseUrl, rootKey, sandbox, clock });
    applications.push(second);
    await recordSix(second);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const application of applications.reverse()) {
      await application.close();
    }
  });

  const recordSix = async ({ app }: TestApplication): Promise<void> => {
    for (let request = 1; request <= 6; request += 1) {
      const address = request % 2 === 0 ? { address: 'digest:3f9a1c0d5e7b2a4866d1f0c9' } : {};
      await app.get(AuditTrail).record({ ...event, ...address, requestId: `request-${request}` });
    }
  };
  /** As somebody who may do anything to the database, but has no root key. */
  const tamper = (text: string) => queryDatabase(first.databaseUrl, text);
  const verify = async (): Promise<string[]> => {
    const findings: string[] = [];
    const count = { writers: 0, entries: 0 };
    for await (const { writer, sequence, problem } of first.app.get(AuditVerifier).verify(count)) {
      findings.push(`${writer ?? '*'}/${sequence ?? '*'} ${problem}`);
    }
    return findings;
  };

  it('finds nothing in an unaltered trail, also while it grows (LOG-05)', async () => {
    const recorded = Promise.all([recordSix(first), recordSix(first)]);

    await expect(verify()).resolves.toEqual([]);
    await recorded;
    await expect(verify()).resolves.toEqual([]);
  });

  it.each([
    ['action', `action = 'link.started'`],
    ['outcome', `outcome = 'failed'`],
    ['actor', `actor = 'api-key:9999'`],
    ['user', `user_digest = NULL`],
    ['other user', `user_digest = sha256('x')`],
    ['provider', `provider = 'whoop'`],
    ['empty provider', `provider = ''`],
    ['connection', `connection_id = gen_random_uuid()`],
    ['subject', `subject = 'key:1'`],
    ['code', `code = 'TOKEN_REVOKED'`],
    ['request', `request_id = NULL`],
    ['address, where it had none,', `address = 'plain'`],
    ['empty address, where it had none,', `address = ''`],
    ['instant', `recorded_at = ${earlier('recorded_at', '86400')}`],
    ['instant by a hair', `recorded_at = ${earlier('recorded_at', '-0.000001')}`],
    ['instant to none', `recorded_at = 'infinity'`],
    ['instant to one that no program can tell', `recorded_at = '0044-03-15 BC'`],
  ])('names the entry whose %s was changed (LOG-05)', async (_, change) => {
    await tamper(`UPDATE audit_entries SET ${change} WHERE writer = 1 AND sequence = 4`);

    await expect(verify()).resolves.toEqual(['1/4 was changed']);
  });

  it.each([`'digest:000000000000000000000000'`, `''`, 'NULL'])(
    'names the entry with an address that was changed to %s (LOG-05)',
    async (address) => {
      await tamper(`UPDATE audit_entries SET address = ${address} WHERE writer = 1 AND sequence = 5`);

      await expect(verify()).resolves.toEqual(['1/5 was changed']);
    },
  );

  it('names both, when the MAC of an entry was changed: that entry and the one chained to it (LOG-05)', async () => {
    await tamper(`UPDATE audit_entries SET mac = sha256('x') WHERE writer = 1 AND sequence = 4`);

    await expect(verify()).resolves.toEqual(['1/4 was changed', '1/5 was changed']);
  });

  it('names entries that were deleted from the middle (LOG-05)', async () => {
    await tamper('DELETE FROM audit_entries WHERE writer = 1 AND sequence = 4');
    await tamper('DELETE FROM audit_entries WHERE writer = 2 AND sequence IN (3, 4)');

    await expect(verify()).resolves.toEqual([
      '1/4 is missing, so the next one cannot be checked',
      '2/3 and all after it up to 4 are missing, so the next one cannot be checked',
    ]);
  });

  it('names entries that changed places (LOG-05)', async () => {
    await tamper('UPDATE audit_entries SET sequence = -sequence WHERE writer = 1 AND sequence IN (4, 5)');
    await tamper('UPDATE audit_entries SET sequence = 9 + sequence WHERE writer = 1 AND sequence < 0');

    await expect(verify()).resolves.toEqual([4, 5, 6].map((sequence) => `1/${sequence} was changed`));
  });

  it('names entries that were added (LOG-05)', async () => {
    await tamper(`INSERT INTO audit_entries SELECT writer, 8, recorded_at, action, outcome, actor, user_digest, provider,
      connection_id, subject, code, request_id, mac FROM audit_entries WHERE writer = 1 AND sequence = 7`);

    await expect(verify()).resolves.toEqual([
      '1/8 was changed',
      '1/* has a recorded end that does not match its last entry',
    ]);
  });

  it.each([
    [
      'in front of the first',
      '1, -sequence',
      ['1/-7 was added: entries begin at 1', '1/0 was added: entries begin at 1'],
    ],
    ['as far in front as can be', '1, (-2) ^ 63', [`1/${(-2) ** 63} was added: entries begin at 1`]],
    ['under a writer that never was', '-writer, sequence', ['-1/* never existed, but has entries']],
    ['under writer 0', '0, sequence', ['0/* never existed, but has entries']],
  ])('names entries that were added %s (LOG-05)', async (_, place, findings) => {
    await tamper(`INSERT INTO audit_entries SELECT ${place}, recorded_at, action, outcome, actor, user_digest, provider,
      connection_id, subject, code, request_id, mac FROM audit_entries WHERE writer = 1 AND sequence = 7`);
    await tamper(`INSERT INTO audit_entries SELECT writer, 0, recorded_at, action, outcome, actor, user_digest, provider,
      connection_id, subject, code, request_id, mac FROM audit_entries WHERE writer = 1 AND sequence = -7`);

    await expect(verify()).resolves.toEqual(findings);
  });

  it('names entries that were cut off the end, also when the noted end was set back (LOG-05)', async () => {
    await tamper('DELETE FROM audit_entries WHERE writer = 2 AND sequence >= 5');
    await expect(verify()).resolves.toEqual(['2/5 and all after it up to 7 are missing']);

    await tamper('UPDATE audit_writers SET head_sequence = 4 WHERE number = 2');
    await expect(verify()).resolves.toEqual(['2/* has a recorded end that does not match its last entry']);
  });

  it('is not deceived by an end that was copied earlier, once another writer has begun (LOG-05)', async () => {
    const before = await queryDatabase<{ text: string }>(
      first.databaseUrl,
      `SELECT format('UPDATE audit_writers SET head_sequence = %s, head_mac = %L WHERE number = 2', head_sequence, head_mac) AS text
       FROM audit_writers WHERE number = 2`,
    );
    await recordSix(applications[1] as TestApplication);
    const { databaseUrl, rootKey, sandbox, clock } = first;
    applications.push(await startApplication({ databaseUrl, rootKey, sandbox, clock }));

    await tamper('DELETE FROM audit_entries WHERE writer = 2 AND sequence > 7');
    await tamper(before[0]?.text ?? '');

    await expect(verify()).resolves.toEqual(['2/13 is missing, although writer 3 recorded it']);
  });

  it('names a writer that was removed (LOG-05)', async () => {
    await tamper('DELETE FROM audit_entries WHERE writer = 1');
    await tamper('DELETE FROM audit_writers WHERE number = 1');
    await expect(verify()).resolves.toEqual(['1/* is missing']);

    await tamper('DELETE FROM audit_writers WHERE number = 2');
    await expect(verify()).resolves.toEqual(['1/* is missing', '2/* is missing, but has entries']);
  });

  it('is not held up by a writer that was made up far away, with or without entries (LOG-05)', async () => {
    const far = 2 ** 31 - 1;
    await tamper(`INSERT INTO audit_entries SELECT ${far}, sequence, recorded_at, action, outcome, actor, user_digest, provider,
      connection_id, subject, code, request_id, mac FROM audit_entries WHERE writer = 1 AND sequence = 7`);
    await expect(verify()).resolves.toEqual([
      `3/* and all after it up to ${far - 1} are missing`,
      `${far}/* is missing, but has entries`,
    ]);

    await tamper(`INSERT INTO audit_writers SELECT ${far}, kid, started_at, witnessed_sequence, witnessed_mac, 0, head_mac
      FROM audit_writers WHERE number = 2`);
    const findings = await verify();
    expect(findings[0]).toBe(`3/* and all after it up to ${far - 1} are missing`);
    expect(findings.length).toBeLessThan(5);
  });

  it('finds nothing in a writer that begins while the verifier looks for entries of writers that are missing (LOG-05)', async () => {
    const store = first.app.get(AuditStore, { strict: false });
    const find = store.findWriterOfEntries.bind(store);
    jest.spyOn(store, 'findWriterOfEntries').mockImplementation(async (from) => {
      // Behind the last writer that was found.
      if (from === 3) {
        const { databaseUrl, rootKey, sandbox, clock } = first;
        const third = await startApplication({ databaseUrl, rootKey, sandbox, clock });
        applications.push(third);
        await recordSix(third);
      }
      return find(from);
    });
    await expect(verify()).resolves.toEqual([]);
    expect(applications).toHaveLength(3);
  });

  it('names a beginning that was changed after its entries were removed on purpose, by the writer that has seen it (LOG-05)', async () => {
    const store = first.app.get(AuditStore, { strict: false });
    const key = first.app.get(VaultService, { strict: false }).getMacKey('audit.chain');
    const begin = async (number: number, seen: ChainHead) => {
      const [witnessedSequence, witnessedMac] = [seen.sequence, seen.mac];
      const writer = { number, kid: key.kid, startedAt: first.clock.now(), witnessedSequence, witnessedMac };
      const head = beginningOf(writer, key);
      const signed = signHead(number, head, key);
      expect(await store.insertWriter(writer, signed)).toBe(true);
      return { head, signed };
    };
    const latest = await store.findLatestWriter();
    const third = await begin(3, latest?.head as ChainHead);
    // Begins before the third has written anything.
    await begin(4, { sequence: 0, mac: third.signed });
    const facts = { action: 'token.handed_out', outcome: 'success', actor: 'cli', recordedAt: first.clock.now() };
    const nothing = { provider: null, connectionId: null, subject: null, code: null, requestId: null, address: null };
    const entry = chain({ ...facts, ...nothing, userDigest: null }, third.head, key);
    await store.append(3, [entry], { sequence: 1, mac: signHead(3, entry, key) });
    first.clock.advance(60_000);
    await first.app.get(AuditPruner, { strict: false }).prune(first.clock.now());
    await expect(verify()).resolves.toEqual([]);

    await tamper(`UPDATE audit_writers SET started_at = ${earlier('started_at', '-1')} WHERE number = 3`);

    await expect(verify()).resolves.toEqual(['3/0 differs from what writer 4 recorded']);
  });

  it('names the first entry of a writer with a changed beginning (LOG-05)', async () => {
    await tamper(`UPDATE audit_writers SET started_at = ${earlier('started_at', '86400')} WHERE number = 2`);

    await expect(verify()).resolves.toEqual(['2/1 was changed']);
  });

  it('names a trail that is empty although the vault was used, and no other (LOG-05)', async () => {
    await tamper('DELETE FROM audit_entries');
    await tamper('DELETE FROM audit_writers');
    await expect(verify()).resolves.toEqual([]);
    // Its chain is gone, so it begins another one with the entry after this one.
    await expect(recordSix(first)).rejects.toThrow('audit trail');
    await linkAccount(first, 'user-1', 'whoop');
    await first.app.get(KeyRing, { strict: false }).reload();
    await tamper('DELETE FROM audit_entries');
    await tamper('DELETE FROM audit_writers');
    await expect(verify()).resolves.toEqual([
      '*/* The trail is empty, although the keys here have sealed values, which leaves entries',
    ]);
  });

  describe('compared with heads that were kept elsewhere', () => {
    const verifyHeads = async (...heads: readonly SignedHead[]): Promise<string[]> => {
      const findings: string[] = [];
      for await (const { writer, sequence, problem } of first.app.get(AuditVerifier).verifyHeads(heads)) {
        findings.push(`${writer}/${sequence ?? '*'} ${problem}`);
      }
      return findings;
    };
    const headOf = ({ app }: TestApplication): SignedHead => {
      const { head } = app.get(AuditTrail);
      if (head === undefined) {
        throw new Error('Nothing was recorded.');
      }
      // As it comes back from a log.
      return parseHead(scrub(`{"msg":"${formatHead(head)}"}`)) ?? head;
    };

    it('finds nothing in a trail that has gone on since (LOG-05)', async () => {
      const heads = applications.map(headOf);
      await recordSix(first);
      await expect(verifyHeads(...heads)).resolves.toEqual([]);
    });

    it('names a writer that was set back, rows and head together, to a copy of itself (LOG-05)', async () => {
      const second = applications[1] ?? first;
      await tamper('CREATE TABLE former AS SELECT * FROM audit_writers WHERE number = 2');
      const before = headOf(second);
      await recordSix(second);
      const after = headOf(second);
      await tamper(`DELETE FROM audit_entries WHERE writer = 2 AND sequence > ${before.sequence}`);
      await tamper(
        `UPDATE audit_writers SET head_sequence = former.head_sequence, head_mac = former.head_mac
         FROM former WHERE audit_writers.number = former.number`,
      );

      await expect(verify()).resolves.toEqual([]);
      await expect(verifyHeads(before)).resolves.toEqual([]);
      await expect(verifyHeads(after)).resolves.toEqual([
        `2/${after.sequence} is missing, although the log recorded it`,
      ]);
    });

    it('names a head that this service did not sign (LOG-05)', async () => {
      const head = headOf(first);
      await expect(verifyHeads({ ...head, signature: Buffer.alloc(32) })).resolves.toEqual([
        `1/${head.sequence} differs from what the log recorded`,
      ]);
    });

    it('finds nothing where entries were removed on purpose (LOG-05)', async () => {
      const heads = applications.map(headOf);
      await recordSix(first);
      first.clock.advance(60_000);
      await first.app.get(AuditPruner, { strict: false }).prune(first.clock.now());
      await expect(verifyHeads(...heads)).resolves.toEqual([]);
    });
  });

  describe('compared with the rows', () => {
    const verifyRows = async (): Promise<string[]> => {
      const findings: string[] = [];
      for await (const { place, problem } of first.app.get(RowVerifier).verify()) {
        findings.push(`${place} ${problem}`);
      }
      return findings;
    };
    const refresh = () => first.api.post('/v1/users/user-1/connections/whoop/refresh').expect(200);
    const token = async (): Promise<unknown> =>
      ((await first.api.get('/v1/users/user-1/connections/whoop/token').expect(200)).body as { access_token: unknown })
        .access_token;

    it('names a connection with a former row, which still opens (CR-03)', async () => {
      // More than fit on a page, so that the last one is found too.
      await tamper(
        `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, scopes_requested, refreshable)
         SELECT 'a-' || each, 'oura', gen_random_uuid(), 'none', 'needs_relink', 1, '{}', false FROM generate_series(1, 250) AS each`,
      );
      const id = await linkAccount(first, 'user-1', 'whoop');
      await refresh();
      const former = await token();
      await tamper(`CREATE TABLE former AS SELECT * FROM connections WHERE user_id = 'user-1'`);
      await expect(verifyRows()).resolves.toEqual([]);
      await refresh();
      expect(await token()).not.toBe(former);
      await expect(verifyRows()).resolves.toEqual([]);

      await tamper(`DELETE FROM connections WHERE user_id = 'user-1'`);
      await tamper('INSERT INTO connections SELECT * FROM former');

      // What the sealing alone does not see.
      expect(await token()).toBe(former);
      await expect(verify()).resolves.toEqual([]);
      await expect(verifyRows()).resolves.toEqual([
        `Connection ${id} holds token set 2, although the trail has 3: an older row was put back`,
      ]);
    });

    it('finds nothing in a connection that is refreshed between the look at its row and the look at the trail (CR-03)', async () => {
      await linkAccount(first, 'user-1', 'whoop');
      await refresh();
      const database = first.app.get(Database, { strict: false });
      const query = database.query.bind(database);
      jest.spyOn(database, 'query').mockImplementation(async (statement, values) => {
        const rows = await query(statement, values);
        if (statement.name === 'audit-read-connections-first') {
          await refresh();
        }
        return rows;
      });
      await expect(verifyRows()).resolves.toEqual([]);
    });

    it('goes by the highest token set of the last few, as the clocks of two processes differ (CR-03)', async () => {
      const id = await linkAccount(first, 'user-1', 'whoop');
      await refresh();
      await tamper(`CREATE TABLE former AS SELECT * FROM connections WHERE user_id = 'user-1'`);
      await refresh();
      await tamper(`DELETE FROM connections WHERE user_id = 'user-1'`);
      await tamper('INSERT INTO connections SELECT * FROM former');
      // The entry of the older set has the later instant.
      await tamper(
        `UPDATE audit_entries SET recorded_at = ${earlier('recorded_at', '-60')} WHERE subject = 'token-set:2'`,
      );
      await expect(verifyRows()).resolves.toEqual([expect.stringContaining(`Connection ${id} holds token set 2`)]);
    });

    it('names an API key that was revoked and is in use again (AR-27)', async () => {
      const key = await first.createKey('admin');
      const id = key.slice(5, 23);
      await tamper(`CREATE TABLE former AS SELECT * FROM api_keys WHERE id = '${id}'`);
      await first.app.get(ApiKeysService).revoke(id);
      await expect(verifyRows()).resolves.toEqual([]);

      await tamper(`DELETE FROM api_keys WHERE id = '${id}'`);
      await tamper('INSERT INTO api_keys SELECT * FROM former');

      await first.browser.get('/v1/providers').set('authorization', `Bearer ${key}`).expect(200);
      await expect(verifyRows()).resolves.toEqual([`API key ${id} was revoked, and is active again`]);
    });
  });

  it('names the finding on the command line, with the exit status (LOG-05)', async () => {
    const environment = {
      NODE_ENV: 'production',
      ENVIRONMENT_NAME: 'test',
      DATABASE_URL: first.databaseUrl,
      ENCRYPTION_ROOT_KEY: first.rootKey,
    };
    const run = async () => {
      const program = startProcess([join(checkout, 'dist/cli/main.js'), 'audit', 'verify'], tmpdir(), environment);
      return { ...(await program.ended()), output: program.output() };
    };

    await expect(run()).resolves.toEqual({
      status: 0,
      signal: null,
      output: '14 entries of 2 writers were checked; none was changed.\n',
    });
    await tamper(`UPDATE audit_entries SET actor = 'cli' WHERE writer = 1 AND sequence = 4`);
    await expect(run()).resolves.toEqual({
      status: 1,
      signal: null,
      output: 'Writer 1, entry 4 was changed.\n14 entries of 2 writers were checked; 1 finding.\n',
    });
  });
});
