import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';

describe('the metrics', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  async function read(): Promise<Map<string, number>> {
    const { text } = await application.api.get('/metrics').expect(200);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  it('report the memory, the processor time and the start of the process', async () => {
    const first = await read();
    expect(first.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(first.get('process_start_time_seconds')).toBeLessThan(Date.now() / 1_000);
    const later = await read();
    const name = 'process_cpu_seconds_total';
    expect(later.get(name)).toBeGreaterThanOrEqual(first.get(name) ?? Infinity);
    expect(later.get(name)).toBeLessThan((first.get(name) ?? 0) + 60);
  });

  it('count links and issued tokens', async () => {
    await linkAccount(application, 'user-1', 'whoop');
    await application.api.get('/v1/users/user-1/connections/whoop/token').expect(200);

    const metrics = await read();

    expect(metrics.get('cufflink_links_total{provider="whoop",outcome="connected"}')).toBe(1);
    expect(metrics.get('cufflink_token_hand_outs_total{provider="whoop",how="fresh"}')).toBe(1);
  });
});
