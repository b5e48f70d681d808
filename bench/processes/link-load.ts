import { Pool } from 'undici';
import { forEachConcurrently } from '../concurrency.ts';
import { respond } from './respond.ts';

/** The links to make. */
export interface LinkLoad {
  readonly url: string;
  readonly apiKey: string;
  readonly provider: string;
  /** Ids of users who have no connection yet. */
  readonly users: readonly string[];
  readonly concurrency: number;
}

/**
 * Starts a link for each user and calls back at once, as a browser would that the provider sent back. Returns the
 * seconds.
 */
respond(async ({ url, apiKey, provider, users, concurrency }: LinkLoad) => {
  const service = new Pool(url, { connections: concurrency });
  const startedAt = performance.now();
  await forEachConcurrently(users, concurrency, async (userId) => {
    const started = await service.request({
      method: 'POST',
      path: `/v1/users/${userId}/connections/${provider}/link`,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{}',
    });
    const { state } = (await started.body.json()) as { state: string };
    const path = `/v1/oauth/${provider}/callback?code=code-of-${userId}&state=${state}&scope=read`;
    const finished = await service.request({ method: 'GET', path });
    const { success } = (await finished.body.json()) as { success?: boolean };
    if (success !== true) {
      throw new Error(`The link of ${userId} ended with HTTP ${finished.statusCode}.`);
    }
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  await service.close();
  return seconds;
});
