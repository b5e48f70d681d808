import { z } from 'zod';

const numericCode = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number),
]);
const mainErrorResponse = z.object({ error: numericCode });
const deadRefreshTokenResponse = z.object({
  error: numericCode.refine((code) => code === 1203),
  sub_error: numericCode.refine((code) => code === 11_205 || code === 31_204),
});
const wrongSecretResponse = z.object({
  error: numericCode.refine((code) => code === 1101),
  sub_error: numericCode.refine((code) => code === 12_304),
});

/**
 * Reads the error code out of Huawei's own error body, `{error, sub_error, error_description}` with numbers.
 *
 * 1203 with 11205 or 31204 is a dead refresh token, 1101 with 12304 a wrong client secret. No other number is
 * documented in what was read, so none may end a connection: each counts as an outage. Text in `error` is left to the
 * standard reading.
 */
export function parseHuaweiErrorCode(body: unknown): string | undefined {
  if (deadRefreshTokenResponse.safeParse(body).success) {
    return 'invalid_grant';
  }
  if (wrongSecretResponse.safeParse(body).success) {
    return 'invalid_client';
  }
  return mainErrorResponse.safeParse(body).success ? 'server_error' : undefined;
}
