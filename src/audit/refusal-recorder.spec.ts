import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import type { AuditEvent } from './audit-event.js';
import type { AuditTrail } from './audit-trail.js';
import { RefusalRecorder, type Refusal } from './refusal-recorder.js';

const perSource = 5;
const perActor = 100;
const most = 10_000;

describe('the recorder of refused calls (AR-26)', () => {
  let entries: AuditEvent[];
  let failure: Error | undefined;
  let recorder: RefusalRecorder;

  beforeEach(() => {
    jest.useFakeTimers();
    entries = [];
    failure = undefined;
    const record = (event: AuditEvent): Promise<void> => {
      if (failure !== undefined) {
        return Promise.reject(failure);
      }
      entries.push(event);
      return Promise.resolve();
    };
    recorder = new RefusalRecorder({ record } as AuditTrail);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  async function refuse(
    source: string | undefined,
    changes: Partial<Pick<Refusal, 'actor' | 'address'>> = {},
  ): Promise<void> {
    await recorder.record({ action: 'access.denied', actor: 'api-key:1', code: 'ACCESS_DENIED', ...changes }, source);
  }

  async function refuseTimes(times: number, sourceOf: (call: number) => string, actor = 'api-key:1'): Promise<void> {
    for (let call = 0; call < times; call += 1) {
      await refuse(sourceOf(call), { actor });
    }
  }

  const summaries = (): string[] =>
    entries.flatMap(({ actor, subject }) => (subject === undefined ? [] : [`${actor} ${subject}`]));
  const own = (): AuditEvent[] => entries.filter(({ subject }) => subject === undefined);

  it('writes five of a source, and the number of the others at the end of the minute', async () => {
    await refuseTimes(8, () => 'one');
    expect(entries).toHaveLength(perSource);
    await jest.advanceTimersByTimeAsync(59_000);
    expect(summaries()).toEqual([]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(summaries()).toEqual(['api-key:1 calls:3']);
    expect(entries.every(({ outcome }) => outcome === 'denied')).toBe(true);
  });

  it('writes a hundred of an actor, from however many sources, and those of another actor beside them', async () => {
    await refuseTimes(300, (call) => `source-${call}`);
    await refuseTimes(1, () => 'source', 'api-key:2');
    expect(own()).toHaveLength(perActor + 1);
    await recorder.flush();
    expect(summaries()).toEqual(['api-key:1 calls:200']);
  });

  it('begins each minute at zero, and counts no call twice', async () => {
    await refuseTimes(6, () => 'one');
    await jest.advanceTimersByTimeAsync(60_000);
    await refuseTimes(6, () => 'one');
    await jest.advanceTimersByTimeAsync(60_000);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(own()).toHaveLength(2 * perSource);
    expect(summaries()).toEqual(['api-key:1 calls:1', 'api-key:1 calls:1']);
  });

  it('counts those without a source in the summary only', async () => {
    await refuse(undefined);
    expect(entries).toEqual([]);
    await recorder.beforeApplicationShutdown();
    expect(summaries()).toEqual(['api-key:1 calls:1']);
  });

  it.each([
    [['a', 'a', 'a'], 'a'],
    [['a', 'b', 'b'], undefined],
    [['a', 'b', 'a'], undefined],
    [[undefined, 'a'], undefined],
  ])('tells the address of a summary where it is one and the same: %j', async (addresses, expected) => {
    for (const address of addresses) {
      await refuse(undefined, { address });
    }
    await recorder.flush();
    expect(entries.map(({ address }) => address)).toEqual([expected]);
  });

  it('counts at most ten thousand sources and actors, and the others in summaries', async () => {
    await refuseTimes(most, (call) => `source-${call}`);
    const before = own().length;
    await refuseTimes(1, () => 'source', 'api-key:2');
    expect(own()).toHaveLength(before);
    await recorder.flush();
    expect(summaries()).toContain('api-key:2 calls:1');
  });

  it('keeps the refusal when the trail cannot take the entry', async () => {
    failure = new DatabaseUnavailableError('It went away.');
    await expect(refuse('one')).resolves.toBeUndefined();
    await refuse(undefined);
    await expect(recorder.flush()).resolves.toBeUndefined();
  });
});
