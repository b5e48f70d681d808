import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const schema = z.object({ ERASURE_LOG_FILE: z.string().optional() });

/** Reads the settings of users' data. */
export function readUsersConfig(environment: Environment): {
  /** The file of erasures outside the database; `undefined` writes none. */
  erasureLogFile: string | undefined;
} {
  return { erasureLogFile: readEnvironment(schema, environment).ERASURE_LOG_FILE };
}

export const usersConfig = registerAs('users', () => readUsersConfig(process.env));
export type UsersConfig = ConfigType<typeof usersConfig>;
