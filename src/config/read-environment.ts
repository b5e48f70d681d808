import { readFileSync } from 'node:fs';
import type { z } from 'zod';

/** The variables a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The names of all variables that {@link readEnvironment} has read in this process. */
export const knownVariables = new Set<string>();

/**
 * Checks the variables of one folder.
 *
 * An empty variable counts as not set, as in a `.env` file with nothing after the `=`.
 *
 * @param schema - a zod object whose keys are the names of variables
 * @param environment - usually `process.env`
 * @param secrets - those of them that {@link readSecret} reads, so that a file may hold them
 * @throws Error that names each wrong variable with its requirements; never shows a value. The start fails.
 */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
  secrets: readonly string[] = [],
): z.output<Schema> {
  for (const name of [...Object.keys(schema.shape), ...secrets.map((secret) => `${secret}_FILE`)]) {
    knownVariables.add(name);
  }
  const values = {
    ...environment,
    ...Object.fromEntries(secrets.map((name) => [name, readSecret(environment, name)])),
  };
  const set = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(set);
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`Invalid settings. ${problems.join(' ')}`);
}

/**
 * Reads a secret from the variable itself, or from the file that the variable with the suffix `_FILE` names, as secret
 * mounts have it. A secret in a file is not in the environment of the process, which anyone with the same system user
 * can read, nor in its logs.
 *
 * @returns the text without trailing line ends; `undefined` when neither is set
 * @throws Error naming the variable when both are set, or the file cannot be read or is empty; never shows a value
 */
export function readSecret(environment: Environment, name: string): string | undefined {
  const value = environment[name] || undefined;
  const file = environment[`${name}_FILE`] || undefined;
  if (file === undefined) {
    return value;
  }
  if (value !== undefined) {
    throw new Error(`Set either ${name} or ${name}_FILE, not both.`);
  }
  const text = readText(`${name}_FILE`, file).replace(/[\r\n]+$/, '');
  if (text === '') {
    throw new Error(`${name}_FILE names an empty file.`);
  }
  return text;
}

/** Tells whether a secret is set, by its variable or by a file. */
export function isSecretSet(environment: Environment, name: string): boolean {
  return Boolean(environment[name] || environment[`${name}_FILE`]);
}

function readText(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${variable} names a file that cannot be read.`, { cause: error });
  }
}
