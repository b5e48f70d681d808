import { z } from 'zod';

const fitbitErrorResponse = z.object({ errors: z.array(z.object({ errorType: z.string() })).min(1) });

/**
 * Reads the error code out of Fitbit's own error body, `{errors: [{errorType, message}], success: false}`.
 *
 * Only `errorType` is read: the message of an `invalid_grant` quotes the refresh token.
 */
export function parseFitbitErrorCode(body: unknown): string | undefined {
  const parsed = fitbitErrorResponse.safeParse(body);
  return parsed.success ? parsed.data.errors[0]?.errorType : undefined;
}
