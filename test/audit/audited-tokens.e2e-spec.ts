import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { findFreePort } from '../../src/development/free-port.js';
import type { AuditEvent } from '../../src/audit/audit-event.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { RefusalRecorder } from '../../src/audit/refusal-recorder.js';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { startService, waitUntilReady, type ServiceProcess } from '../support/service-process.js';
import { closeAuditTrail, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const tokenPath = '/v1/users/user-1/connections/whoop/token';

/** The audit trail as many services have it: written when it can be, and nobody waits for it. */
class FireAndForgetAuditTrail extends AuditTrail {
  override record(event: AuditEvent): Promise<void> {
    super.record(event).catch(() => undefined);
    return Promise.resolve();
  }
}
const defenceOff: ApplicationOptions = {
  override: (builder) => builder.overrideProvider(AuditTrail).useClass(FireAndForgetAuditTrail),
};

describe('an issued token', () => {
  let application: TestApplication;

  const start = async (options: ApplicationOptions = {}) => {
    application = await startApplication(options);
    await linkAccount(application, 'user-1', 'whoop');
  };
  afterEach(async () => {
    jest.restoreAllMocks();
    await application.close();
  });

  const issuedTokens = () =>
    queryDatabase<{ request_id: string; actor: string; connection_id: string }>(
      application.databaseUrl,
      `SELECT request_id, actor, connection_id FROM audit_entries WHERE action = 'token.handed_out' ORDER BY sequence`,
    );
  const breakAuditTrail = () => closeAuditTrail(application.databaseUrl);

  it('is in the audit trail when its response arrives, with key, connection and request (LOG-06)', async () => {
    await start();

    const response = await application.api.get(tokenPath).set('x-request-id', 'request-1').expect(200);

    expect(response.body).toHaveProperty('access_token');
    await expect(issuedTokens()).resolves.toEqual([
      {
        request_id: expect.stringMatching(/^[0-9a-f-]{36}\.request-1$/),
        actor: expect.stringMatching(/^api-key:[0-9a-f]{18}$/),
        connection_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    ]);
  });

  it('has an entry for each of many simultaneous calls (LOG-06)', async () => {
    await start();
    const ids = Array.from({ length: 100 }, (_, index) => `request-${index}`);

    await Promise.all(ids.map((id) => application.api.get(tokenPath).set('x-request-id', id).expect(200)));

    const recorded = (await issuedTokens()).map((row) => row.request_id.split('.')[1]);
    expect(recorded.sort()).toEqual(ids.sort());
  });

  it('does not happen when its entry cannot be written (LOG-06)', async () => {
    await start();
    await breakAuditTrail();

    const response = await application.api.get(tokenPath).expect(503);

    expect(response.body).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(response.body).not.toHaveProperty('access_token');
    expect(response.headers['retry-after']).toBe('5');
  });

  it('with the defense off (nobody waits for the entry) leaves no trace (LOG-06)', async () => {
    await start(defenceOff);
    await breakAuditTrail();

    const response = await application.api.get(tokenPath).expect(200);

    expect(response.body).toHaveProperty('access_token');
    await expect(issuedTokens()).resolves.toEqual([]);
  });

  it('is denied to a key without the scope, and the denial is in the audit trail (TE-08)', async () => {
    await start();
    const key = await application.createKey('connections:read');

    await application.browser.get(tokenPath).set('authorization', `Bearer ${key}`).expect(403);

    await expect(issuedTokens()).resolves.toEqual([]);
    await expect(denials()).resolves.toMatchObject([
      { actor: `api-key:${key.split('_')[1]}`, code: 'SCOPE_MISSING', provider: 'whoop', outcome: 'denied' },
    ]);
  });

  it('leaves one entry a minute of callers without a valid key, with their number (TE-08)', async () => {
    await start();

    await application.browser
      .get(tokenPath)
      .set('authorization', `Bearer cuff_${'0'.repeat(18)}_${'A'.repeat(43)}`)
      .expect(401);
    await Promise.all(Array.from({ length: 40 }, () => application.browser.get(tokenPath).expect(401)));

    await application.app.get(RefusalRecorder).flush();

    expect(await denials()).toMatchObject([
      { actor: 'unknown', code: 'API_KEY_INVALID', provider: null, user_digest: null, subject: 'calls:41' },
    ]);
  });

  const denials = () => rowsOf(application.databaseUrl, 'audit_entries', { action: 'access.denied' }, 'sequence');

  it('has one entry for the end of each refresh, before that of the issued token (I5)', async () => {
    await start();
    application.clock.advance(3_600_000);
    await Promise.all([application.api.get(tokenPath).expect(200), application.api.get(tokenPath).expect(200)]);
    application.sandbox.provider('whoop').misbehave({ endpoint: 'refresh', type: 'status', code: 503 });
    await application.api.post('/v1/users/user-1/connections/whoop/refresh').expect(503);

    const rows = await queryDatabase<{ action: string; code: string | null }>(
      application.databaseUrl,
      `SELECT action, code FROM audit_entries WHERE action LIKE 'token.%' ORDER BY sequence`,
    );
    expect(rows).toEqual([
      { action: 'token.refreshed', code: null },
      { action: 'token.handed_out', code: null },
      { action: 'token.handed_out', code: null },
      { action: 'token.refresh_failed', code: 'PROVIDER_UNAVAILABLE' },
    ]);
  });

  it('does not happen after an unlink, which is in the audit trail too (TE-11)', async () => {
    await start();
    await application.api.delete('/v1/users/user-1/connections/whoop').expect(200);
    await application.api.get(tokenPath).expect(404);

    await expect(issuedTokens()).resolves.toEqual([]);
    await expect(
      queryDatabase(application.databaseUrl, `SELECT provider FROM audit_entries WHERE action = 'connection.unlinked'`),
    ).resolves.toEqual([{ provider: 'whoop' }]);
  });
});

describe('a process that is killed', () => {
  let application: TestApplication;
  let service: ServiceProcess;
  let url: string;
  let apiKey: string;

  beforeEach(async () => {
    application = await startApplication();
    await linkAccount(application, 'user-1', 'whoop');
    apiKey = await application.createKey('tokens:read');
    const port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    service = startService(tmpdir(), {
      NODE_ENV: 'production',
      ENVIRONMENT_NAME: 'test',
      LOG_LEVEL: 'warn',
      PUBLIC_URL: 'https://link.example.com',
      LINK_CONFIRMATION: 'optional',
      PORT: String(port),
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
    });
    await waitUntilReady(service, url);
  });
  afterEach(async () => {
    await service.stop('SIGKILL');
    await application.close();
  });

  const ask = async (requestId: string): Promise<string | undefined> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'x-request-id': requestId };
    try {
      const response = await fetch(`${url}${tokenPath}`, { headers });
      return response.status === 200 ? ((await response.json()) as { access_token: string }).access_token : undefined;
    } catch {
      return undefined;
    }
  };

  it('has issued no token without a committed entry (LOG-06)', async () => {
    const auditor = new pg.Client({ connectionString: application.databaseUrl });
    await auditor.connect();
    try {
      await ask('request-before');
      await auditor.query('BEGIN');
      await auditor.query('LOCK TABLE audit_entries IN EXCLUSIVE MODE');
      const asked = Promise.all(Array.from({ length: 8 }, (_, index) => ask(`request-between-${index}`)));
      await untilBlocked(application.databaseUrl);
      await service.stop('SIGKILL');

      await expect(asked).resolves.toEqual(Array<undefined>(8).fill(undefined));
    } finally {
      await auditor.end();
    }
  });

  it('has an entry for each of the tokens it issued before (LOG-06)', async () => {
    const issued: string[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      for (let requestId: string = randomUUID(); (await ask(requestId)) !== undefined; requestId = randomUUID()) {
        issued.push(requestId);
        if (issued.length === 200) {
          service.child.kill('SIGKILL');
        }
      }
    });
    await Promise.all(clients);

    const rows = await queryDatabase<{ request_id: string }>(
      application.databaseUrl,
      `SELECT request_id FROM audit_entries WHERE action = 'token.handed_out'`,
    );
    const recorded = new Set(rows.map((row) => row.request_id.split('.')[1]));
    expect(issued.length).toBeGreaterThanOrEqual(200);
    expect(issued.filter((requestId) => !recorded.has(requestId))).toEqual([]);
  });
});

/** Waits until a statement of the service waits for the lock. */
async function untilBlocked(databaseUrl: string): Promise<void> {
  await until('a statement waits', async () => {
    const blocked = await queryDatabase(
      databaseUrl,
      `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    return blocked.length > 0;
  });
}
