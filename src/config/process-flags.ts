/** Flags that let whoever reaches the process, or may signal it, read its memory, and so its keys. */
const revealing =
  /^--(inspect(?!-publish-uid)|debug|heapsnapshot-|heap-prof|diagnostic-dir|report-on|abort-on-uncaught-exception)/;

/**
 * Finds the flags that give the memory of the process away (CR-17).
 *
 * @param execArgv - flags of `node`, as `process.execArgv`
 * @param nodeOptions - the variable NODE_OPTIONS
 */
export function findRevealingFlags(execArgv: readonly string[], nodeOptions: string | undefined): string[] {
  return [...execArgv, ...(nodeOptions ?? '').split(/\s+/)].filter((flag) => revealing.test(flag));
}
