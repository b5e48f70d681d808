import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../../config/read-environment.js';

const hostList = z
  .string()
  .default('')
  .transform((text) => text.split(/[\s,]+/).filter((host) => host !== ''))
  .refine((hosts) => hosts.every((host) => /^[a-z0-9.-]+$|^\[[0-9a-f:.]+\]$/i.test(host)), {
    error: 'must be a comma-separated list of host names without scheme, port or path.',
  });

const schema = z.object({
  NODE_ENV: z.string().default('development'),
  SANDBOX_URL: z.url().optional(),
  OUTBOUND_PRIVATE_HOSTS: hostList,
  OUTBOUND_PROXY_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL.' }).optional(),
});

/** How requests leave this deployment. */
export interface OutboundSettings {
  /** Whether servers on this machine may be called, over plain http too; never in production. */
  readonly allowLoopback: boolean;
  /** Hosts whose addresses may be in a private network or on this machine, as WHATWG URLs write them. */
  readonly privateHosts: readonly string[];
  /** Host of the vendor sandbox, which may be on this machine or in its network. */
  readonly sandboxHost: string | undefined;
  /** The proxy for all requests; it resolves the names. */
  readonly proxyUrl: string | undefined;
}

/** Reads how requests leave this deployment. The usual proxy variables are ignored (NET-03). */
export function readOutboundSettings(environment: Environment): OutboundSettings {
  const values = readEnvironment(schema, environment, ['OUTBOUND_PROXY_URL']);
  const production = values.NODE_ENV === 'production';
  return {
    allowLoopback: !production,
    privateHosts: values.OUTBOUND_PRIVATE_HOSTS.map((host) => new URL(`https://${host}`).hostname),
    sandboxHost: production || values.SANDBOX_URL === undefined ? undefined : new URL(values.SANDBOX_URL).hostname,
    proxyUrl: values.OUTBOUND_PROXY_URL,
  };
}

export const outboundConfig = registerAs('outbound', () => readOutboundSettings(process.env));
export type OutboundConfig = ConfigType<typeof outboundConfig>;
