/**
 * Writes the result of a command. Nothing else goes to standard output.
 *
 * @param text - for a person
 * @param value - the same result for a program, printed with `--json`; keys are written in snake_case
 */
export type Print = (text: string, value: object) => void;

/**
 * Exit codes of a command. `finding`: it did its work, and the operator must act on the result. `failed`: it could not
 * do its work.
 */
export const exitCodes = { success: 0, finding: 1, failed: 2 } as const;

/** Makes the {@link Print} of one command. */
export function printTo(output: { write(text: string): unknown }, asJson: () => boolean): Print {
  return (text, value) => {
    output.write(`${asJson() ? JSON.stringify(inSnakeCase(value), null, 2) : text}\n`);
  };
}

/** Converts the keys of a value. Dates stay, because JSON writes them in RFC 3339. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(inSnakeCase);
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(each),
    ]),
  );
}
