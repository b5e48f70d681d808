import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const schema = z.object({
  CONSOLE: z.enum(['on', 'off'], 'must be on or off.').optional(),
  NODE_ENV: z.string().default('development'),
});

/** Reads whether there is a console. */
export function readConsoleConfig(environment: Environment): {
  /** False in production, unless CONSOLE is `on`. */
  isOn: boolean;
  /** The environment at the start of the process, for the findings of `doctor`. */
  environment: Environment;
} {
  const { CONSOLE, NODE_ENV } = readEnvironment(schema, environment);
  return { isOn: CONSOLE === undefined ? NODE_ENV !== 'production' : CONSOLE === 'on', environment };
}

export const consoleConfig = registerAs('console', () => readConsoleConfig(process.env));
export type ConsoleConfig = ConfigType<typeof consoleConfig>;
