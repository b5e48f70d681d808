import { z } from 'zod';

const fullQuotaResponse = z.object({ error: z.string().startsWith('Too many unrevoked access tokens') });

/**
 * Reads out of Wahoo's error body that the user has as many access tokens as one may have. The grant is as good as
 * before: the next API call with the newest token makes room. Everything else is left to the standard reading.
 */
export function parseWahooErrorCode(body: unknown): string | undefined {
  return fullQuotaResponse.safeParse(body).success ? 'temporarily_unavailable' : undefined;
}
