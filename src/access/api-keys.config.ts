import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const schema = z.object({
  UNBOUND_API_KEYS: z.enum(['refuse', 'accept'], 'must be refuse or accept.').default('refuse'),
});

/** Reads whether API keys still work whose rows were never bound to their rights. */
export function readApiKeysConfig(environment: Environment): { acceptUnbound: boolean } {
  return { acceptUnbound: readEnvironment(schema, environment).UNBOUND_API_KEYS === 'accept' };
}

export const apiKeysConfig = registerAs('apiKeys', () => readApiKeysConfig(process.env));
export type ApiKeysConfig = ConfigType<typeof apiKeysConfig>;
