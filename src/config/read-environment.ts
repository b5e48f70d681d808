import type { z } from 'zod';

/** The variables a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Checks the variables of one folder.
 *
 * An empty variable counts as not set, as in a `.env` file with nothing behind the `=`.
 *
 * @param schema - a zod object whose keys are the names of variables
 * @param environment - usually `process.env`
 * @throws Error that names each wrong variable and says what it has to be; never shows a value. The boot fails.
 */
export function readEnvironment<Schema extends z.ZodType>(schema: Schema, environment: Environment): z.output<Schema> {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = schema.safeParse(set);
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`Wrong settings. ${problems.join(' ')}`);
}
