import { afterEach, describe, expect, it } from '@jest/globals';
import { AuditVerifier } from '../../src/audit/audit-verifier.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const token = '/v1/users/user-1/connections/whoop/token';
let application: TestApplication;

afterEach(() => application.close());

async function start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
  application = await startApplication({ environment: { TRUSTED_PROXIES: '127.0.0.1', ...environment } });
  await linkAccount(application, 'user-1', 'whoop');
}

/** Gets a token from an address with one key, and is refused with another. */
async function callFrom(address: string): Promise<void> {
  const weak = await application.createKey('connections:read');
  await application.api.get(token).set('x-forwarded-for', address).expect(200);
  await application.browser
    .get(token)
    .set('x-forwarded-for', address)
    .set('authorization', `Bearer ${weak}`)
    .expect(403);
}

const addressesOf = async (action: string): Promise<(string | null)[]> => {
  const rows = await rowsOf<{ address: string | null }>(
    application.databaseUrl,
    'audit_entries',
    { action },
    'writer, sequence',
  );
  return rows.map(({ address }) => address);
};

describe('the address of a caller in the audit trail', () => {
  it('is a keyed digest, equal for equal addresses, in entries of handed-out and refused tokens (LOG-05)', async () => {
    await start();
    await callFrom('203.0.113.7');
    await callFrom('198.51.100.4');

    const [issued, fromElsewhere] = await addressesOf('token.handed_out');
    expect(issued).toMatch(/^digest:[0-9a-f]{24}$/);
    expect(fromElsewhere).not.toBe(issued);
    expect(await addressesOf('access.denied')).toEqual([issued, fromElsewhere]);
    const dump = await queryDatabase(application.databaseUrl, 'SELECT audit_entries::text FROM audit_entries');
    expect(JSON.stringify(dump)).not.toContain('203.0.113');
  });

  it.each([
    ['prefix', '203.0.113.0/24'],
    ['plain', '203.0.113.7'],
  ])('is shown as CALLER_ADDRESS=%s says, and the chain holds it (LOG-05)', async (form, shown) => {
    await start({ CALLER_ADDRESS: form });
    await callFrom('203.0.113.7');

    expect(await addressesOf('token.handed_out')).toEqual([shown]);
    expect(await addressesOf('access.denied')).toEqual([shown]);
    const looked = await application.api.get('/v1/audit?action=token.handed_out').expect(200);
    expect(looked.body).toMatchObject({ entries: [{ action: 'token.handed_out', address: shown }] });
    const exported = await application.api.get('/v1/users/user-1/export').expect(200);
    expect(exported.body).toMatchObject({
      audit_entries: expect.arrayContaining([expect.objectContaining({ action: 'token.handed_out', address: shown })]),
    });
    const findings = [];
    for await (const finding of application.app.get(AuditVerifier).verify({ writers: 0, entries: 0 })) {
      findings.push(finding);
    }
    expect(findings).toEqual([]);
  });
});
