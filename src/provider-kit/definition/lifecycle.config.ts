import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../../config/read-environment.js';

const schema = z.object({
  ALLOW_RETIRED_PROVIDERS: z.enum(['true', 'false'], 'must be true or false.').default('false'),
});

/** Reads whether providers are used after their announced end. */
export function readLifecycleConfig(environment: Environment): {
  /** For a provider that has postponed its end. A provider in the sandbox never ends. */
  allowRetired: boolean;
} {
  return { allowRetired: readEnvironment(schema, environment).ALLOW_RETIRED_PROVIDERS === 'true' };
}

export const lifecycleConfig = registerAs('lifecycle', () => readLifecycleConfig(process.env));
export type LifecycleConfig = ConfigType<typeof lifecycleConfig>;
