import { z } from 'zod';

const stravaErrorResponse = z.object({ errors: z.array(z.object({ resource: z.string() })).min(1) });

/** The error code of a refusal, by the resource that Strava names. */
const codes: Readonly<Record<string, string>> = {
  Application: 'invalid_client',
  AuthorizationCode: 'invalid_grant',
  RefreshToken: 'invalid_grant',
};

/**
 * Reads the error code out of Strava's own error body, `{message, errors: [{resource, field, code}]}`.
 *
 * Its HTTP status does not tell whom it refuses: a wrong client id gets 400 as a dead refresh token does.
 */
export function parseStravaErrorCode(body: unknown): string | undefined {
  const resource = stravaErrorResponse.safeParse(body).data?.errors[0]?.resource ?? '';
  return Object.hasOwn(codes, resource) ? codes[resource] : undefined;
}
