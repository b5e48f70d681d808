import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './read-environment.js';

/**
 * The flags of Node that a production process may have: the sizes of its heap, and further restrictions. It is a list
 * of allowed flags, because new versions of Node and V8 add ways to show memory.
 */
const allowed = [
  '--max-old-space-size',
  '--max-semi-space-size',
  '--heap-growing-percent',
  '--disable-sigusr1',
  '--enable-source-maps',
];

/** The one file that `--import` may name. */
const tracingFile = pathOf(fileURLToPath(new URL('../tracing.js', import.meta.url)));

/**
 * Finds the flags that a production process must not have (CR-17). `--import` and `--require` are among them, because
 * they run code before the first line of the program.
 *
 * @param execArgv - flags of `node`, as `process.execArgv`
 * @param nodeOptions - the variable NODE_OPTIONS
 */
export function findForbiddenFlags(execArgv: readonly string[], nodeOptions: string | undefined): string[] {
  return [...execArgv, ...splitNodeOptions(nodeOptions ?? '')].filter(
    (flag) => !allowed.includes(nameOf(flag)) && !isOwnTracing(flag),
  );
}

/**
 * Refuses a production process whose flags could let others read its memory, and so its keys.
 *
 * @throws Error that names the flags and the allowed ones
 */
export function checkProcessFlags(execArgv: readonly string[], environment: Environment): void {
  const forbidden = findForbiddenFlags(execArgv, environment['NODE_OPTIONS']);
  if (environment['NODE_ENV'] === 'production' && forbidden.length > 0) {
    throw new Error(
      `${forbidden.join(', ')}: these Node flags can let others read the keys and tokens in memory. Remove them: ` +
        `production allows only ${allowed.join(', ')} and --import=./dist/tracing.js.`,
    );
  }
}

/** Whether a flag imports our own `tracing.js` and nothing else. */
function isOwnTracing(flag: string): boolean {
  const [, path] = /^--import=(.+)$/s.exec(flag) ?? [];
  return path !== undefined && tracingFile !== undefined && pathOf(path) === tracingFile;
}

/** Returns a path without links, so that another name of the file is the same file. */
function pathOf(path: string): string | undefined {
  try {
    return realpathSync(resolve(path));
  } catch {
    return undefined;
  }
}

/** Returns the name of a flag. Node accepts `_` in place of `-`. */
function nameOf(flag: string): string {
  const [name = ''] = flag.split('=', 1);
  return name.replaceAll('_', '-');
}

/**
 * Splits as Node does, at spaces outside of double quotes. Inside of them, a backslash escapes the next character.
 */
function splitNodeOptions(text: string): string[] {
  const flags: string[] = [];
  let flag = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') {
      quoted = !quoted;
    } else if (character === ' ' && !quoted) {
      flags.push(flag);
      flag = '';
    } else if (character === '\\' && quoted) {
      at += 1;
      flag += text.charAt(at);
    } else {
      flag += character;
    }
  }
  return [...flags, flag].filter((each) => each !== '');
}
