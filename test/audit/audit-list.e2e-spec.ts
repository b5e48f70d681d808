import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../../src/audit/audit-event.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { startApplication, type TestApplication } from '../support/application.js';

const event: AuditEvent = { action: 'token.handed_out', outcome: 'success', actor: 'api-key:0123' };

describe('GET /v1/audit', () => {
  let application: TestApplication;

  beforeEach(async () => {
    application = await startApplication();
    const trail = application.app.get(AuditTrail);
    for (const userId of ['user-1', 'user-2']) {
      for (const provider of ['whoop', 'oura']) {
        application.clock.advance(1_000);
        await trail.record({ ...event, userId, provider, requestId: `${userId}-${provider}` });
      }
    }
  });
  afterEach(() => application.close());

  const find = async (query: string) => {
    const response = await application.api.get(`/v1/audit?action=token.handed_out&${query}`).expect(200);
    const { entries, next_cursor: next } = response.body as {
      entries: { request_id: string; user_digest: string; recorded_at: string }[];
      next_cursor: string | null;
    };
    return { entries, next, requests: entries.map((entry) => entry.request_id) };
  };

  it('lists the newest first, by user, provider and time (LOG-05)', async () => {
    const all = await find('');
    expect(all.requests).toEqual(['user-2-oura', 'user-2-whoop', 'user-1-oura', 'user-1-whoop']);
    expect(all.next).toBeNull();
    expect((await find('user_id=user-1')).requests).toEqual(['user-1-oura', 'user-1-whoop']);
    expect((await find('provider=oura&user_id=user-2')).requests).toEqual(['user-2-oura']);
    const at = all.entries[1]?.recorded_at ?? '';
    expect((await find(`from=${at}`)).requests).toEqual(['user-2-oura', 'user-2-whoop']);
    expect((await find(`to=${at}`)).requests).toEqual(['user-1-oura', 'user-1-whoop']);
    expect((await find('user_id=nobody')).requests).toEqual([]);
  });

  it('lists page by page, each entry once (LOG-05)', async () => {
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const { requests, next } = await find(`limit=3${cursor}`);
      seen.push(...requests);
      if (next === null) {
        break;
      }
      cursor = `&cursor=${next}`;
    }
    expect(seen).toEqual(['user-2-oura', 'user-2-whoop', 'user-1-oura', 'user-1-whoop']);
  });

  it('names no user (LOG-08)', async () => {
    const response = await application.api.get('/v1/audit').expect(200);
    const { entries } = response.body as { entries: object[] };
    expect(JSON.stringify(entries.map((entry) => ({ ...entry, request_id: null })))).not.toContain('user-1');
  });

  it('is closed to keys without the scope audit:read (TE-08)', async () => {
    const key = await application.createKey('tokens:read', 'connections:write', 'links:write', 'metrics:read');

    await application.browser.get('/v1/audit').set('authorization', `Bearer ${key}`).expect(403);
    await application.browser.get('/v1/audit').expect(401);
  });

  it.each([
    'limit=0',
    'limit=1001',
    'limit=all',
    'cursor=1',
    'action=link',
    'from=yesterday',
    'to=1',
    'from=2026-W45-1',
    'to=20261122',
    'from=2026-326',
    'to=2026-11-22T24:00:01Z',
    'from=2026-02-30',
    'to=2026-11-22T10:00:00',
    'user_id=',
    'provider=A',
    'limit=1&limit=2',
    'order=asc',
  ])('refuses %s', async (query) => {
    const response = await application.api.get(`/v1/audit?${query}`).expect(400);
    expect(response.body).toMatchObject({ code: 'REQUEST_INVALID' });
  });
});
