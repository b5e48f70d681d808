import { z } from 'zod';

const deadGrantResponse = z.object({
  status: z.literal(503),
  error: z.string().regex(/^(Invalid Params: )?invalid (refresh[_ ]token|code)$/i),
});

/**
 * Reads out of Withings' own error body, `{status, error}`, that a refresh token or a code is dead.
 *
 * 503 means any wrong parameter, also a wrong client; only its text tells which one. The text must match as a whole, so
 * that a text that also blames something else ends no connection. Everything else is left to the statuses.
 */
export function parseWithingsErrorCode(body: unknown): string | undefined {
  return deadGrantResponse.safeParse(body).success ? 'invalid_grant' : undefined;
}
