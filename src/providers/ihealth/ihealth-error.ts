import { z } from 'zod';

const ihealthErrorResponse = z.object({ Error: z.string() });

/** iHealth's names for what is not the user's doing. */
const codes: Readonly<Record<string, string>> = {
  client_secret_mismatch: 'invalid_client',
  redirect_uri_mismatch: 'invalid_request',
  limits_hour_error: 'rate_limited',
};

/**
 * Reads the error code out of iHealth's own error body, `{Error, ErrorCode, ErrorDescription}`.
 *
 * A name that is not listed is given back as it is, so that a response with HTTP 200 counts as a failure too. It is no
 * evidence against the grant unless the definition lists it.
 */
export function parseIhealthErrorCode(body: unknown): string | undefined {
  const name = ihealthErrorResponse.safeParse(body).data?.Error;
  return name !== undefined && Object.hasOwn(codes, name) ? codes[name] : name;
}
