import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

/**
 * Asymmetric ones only: with a symmetric algorithm, anyone who knows the public key could sign (RFC 8725 section 3.1).
 */
const knownAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const schema = z.object({
  NODE_ENV: z.string().default('development'),
  USER_JWKS_URL: z.string().optional(),
  USER_JWT_ISSUER: z.string().optional(),
  USER_JWT_AUDIENCE: z.string().optional(),
  USER_JWT_ALGORITHMS: z
    .string()
    .default('RS256,ES256')
    .transform((text) => text.split(/[\s,]+/).filter((name) => name !== ''))
    .refine((names) => names.length > 0 && names.every((name) => knownAlgorithms.includes(name)), {
      error: `must be a comma-separated list of: ${knownAlgorithms.join(', ')}.`,
    }),
  USER_JWT_USER_CLAIM: z.string().default('sub'),
  USER_JWT_MAX_LIFE_SECONDS: z.coerce
    .number('must be a number of seconds.')
    .int()
    .min(60)
    .max(2_592_000)
    .default(86_400),
});

/** The requirements for a token of one of the company's users. */
export interface UserTokenSettings {
  /** URL of the company's signing keys. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Name of the claim that holds the `user_id` of this API. */
  readonly userClaim: string;
  /** Longest lifetime of a token. */
  readonly maxLifeSeconds: number;
}

/**
 * Reads the settings of users' tokens.
 *
 * @returns `undefined` settings when users are not accepted
 * @throws Error naming the variables when only some of them are set, or one is wrong
 */
export function readUserTokensConfig(environment: Environment): { settings: UserTokenSettings | undefined } {
  const values = readEnvironment(schema, environment);
  const { USER_JWKS_URL: jwksUrl, USER_JWT_ISSUER: issuer, USER_JWT_AUDIENCE: audience } = values;
  if (jwksUrl === undefined && issuer === undefined && audience === undefined) {
    return { settings: undefined };
  }
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) {
    throw new Error('USER_JWKS_URL, USER_JWT_ISSUER and USER_JWT_AUDIENCE must be set together or not at all.');
  }
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined;
  const isSafe =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' &&
      values.NODE_ENV !== 'production' &&
      /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname));
  if (url === undefined || !isSafe || url.username !== '' || url.hash !== '') {
    throw new Error(
      'USER_JWKS_URL must be an https URL without user or fragment (plain http on loopback in development).',
    );
  }
  const {
    USER_JWT_ALGORITHMS: algorithms,
    USER_JWT_USER_CLAIM: userClaim,
    USER_JWT_MAX_LIFE_SECONDS: maxLifeSeconds,
  } = values;
  return { settings: { jwksUrl: url.href, issuer, audience, algorithms, userClaim, maxLifeSeconds } };
}

export const userTokensConfig = registerAs('user-tokens', () => readUserTokensConfig(process.env));
export type UserTokensConfig = ConfigType<typeof userTokensConfig>;
