import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from './read-environment.js';

const schema = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production.')
    .default('development'),
  PORT: z.coerce.number('must be a port number.').int().min(0).max(65_535).default(3000),
  HOST: z
    .string()
    .refine((host) => host === 'localhost' || isIP(host) !== 0, {
      error: 'must be an address of this machine, such as 0.0.0.0, :: or 127.0.0.1.',
    })
    .optional(),
  PUBLIC_URL: z
    .url({
      protocol: /^https?$/,
      error: 'must be the URL under which browsers reach this service, such as https://link.example.com.',
    })
    .refine((url) => !URL.canParse(url) || isPlaceOnly(url), {
      error: 'must have no user, password, query or fragment: the redirect URIs of all providers begin with it.',
    })
    .optional(),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent.',
    )
    .default('info'),
  LOG_FORMAT: z.enum(['json', 'readable'], 'must be json or readable.').optional(),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ''))
    .refine((entries) => entries.every((entry) => /^https?:/.test(entry) && originOf(entry) === entry), {
      error: 'must be a comma-separated list of origins, such as https://app.example.com.',
    }),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ''))
    .refine((entries) => entries.every((entry) => isAddressOrNetwork(entry)), {
      error: 'must be a comma-separated list of addresses or networks, such as 10.0.0.0/8.',
    }),
  DRAIN_SECONDS: z.coerce.number('must be a number of seconds.').min(0).max(300).optional(),
  API_DOCS: z.enum(['on', 'off'], 'must be on or off.').optional(),
  NODE_TLS_REJECT_UNAUTHORIZED: z.string().optional(),
});

/** Reads the settings of the process as a whole. */
export function readAppConfig(environment: Environment): {
  production: boolean;
  port: number;
  /** Address to listen on. Default: every address in production, only this machine otherwise. */
  host: string;
  /**
   * How long calls are served after SIGTERM, so that load balancers notice. Default: 5 s in production, 0 otherwise.
   */
  drainMs: number;
  logLevel: string;
  /** `json` in production and `readable` otherwise, unless LOG_FORMAT is set. */
  logFormat: 'json' | 'readable';
  /** Addresses and networks of proxies whose `X-Forwarded-For` is trusted. */
  trustedProxies: string[];
  /** Origins whose pages may call the API from a browser. */
  corsOrigins: string[];
  /** Whether anyone can read the API description at /docs: not in production, unless API_DOCS says so. */
  apiDocs: boolean;
} {
  const values = readEnvironment(schema, environment);
  const production = values.NODE_ENV === 'production';
  if (values.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new Error(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off, so anyone could receive tokens. Remove it (TE-05).',
    );
  }
  if (production && values.PUBLIC_URL?.startsWith('https://') !== true) {
    throw new Error('PUBLIC_URL must be set to an https URL in production: providers send the browser back there.');
  }
  if (production && !values.CORS_ORIGINS.every((origin) => origin.startsWith('https://') || isLoopback(origin))) {
    throw new Error(
      'CORS_ORIGINS must be https in production: anyone on the network path can forge a page of an http origin.',
    );
  }
  return {
    production,
    port: values.PORT,
    host: values.HOST ?? (production ? everyAddress() : '127.0.0.1'),
    drainMs: (values.DRAIN_SECONDS ?? (production ? 5 : 0)) * 1_000,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT ?? (production ? 'json' : 'readable'),
    trustedProxies: values.TRUSTED_PROXIES,
    corsOrigins: values.CORS_ORIGINS,
    apiDocs: values.API_DOCS === undefined ? !production : values.API_DOCS === 'on',
  };
}

/** Returns `::`, which takes IPv4 calls too, unless this machine has no IPv6 and cannot listen on it. */
function everyAddress(): string {
  const hasIPv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ family }) => family === 'IPv6'));
  return hasIPv6 ? '::' : '0.0.0.0';
}

function isPlaceOnly(url: string): boolean {
  const { username, password } = new URL(url);
  return username === '' && password === '' && !/[?#]/.test(url);
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function isLoopback(origin: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(origin).hostname);
}

function isAddressOrNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const maxBits = { 4: 32, 6: 128 }[isIP(address)];
  return (
    maxBits !== undefined &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= maxBits))
  );
}

export const appConfig = registerAs('app', () => readAppConfig(process.env));
export type AppConfig = ConfigType<typeof appConfig>;
