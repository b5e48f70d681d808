import { scrub } from '../redaction/scrub.js';

/**
 * Returns the loggable parts of an error: its type, message and stack, and the same of its causes. Other properties are
 * left out, because those of foreign errors hold requests, responses and rows (LOG-02).
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) {
    return { type: typeof error };
  }
  const cause = error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {};
  const type = visible(error.name);
  const message = visible(scrub(error.message));
  // Only the frames are used: the head of the stack repeats the message with its line ends.
  const frames = (error.stack ?? '').replace(error.message, '').match(/^\s+at .*$/gm) ?? [];
  return { type, message, stack: [`${type}: ${message}`, ...frames.map(visible)].join('\n'), ...cause };
}

/**
 * Writes control characters, line ends and other invisible characters as `\u{...}`, so that they neither end a line nor
 * command a terminal (LOG-04).
 */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
