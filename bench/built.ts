import { pathToFileURL } from 'node:url';

/** The variable that names a built checkout of another version, with a `/` at its end. */
export const otherCheckout = 'BENCH_CHECKOUT';

/**
 * Loads a module of the built service: Node runs these files as they are, but cannot run decorators.
 *
 * @param path - below `dist/`
 */
export async function built<Module>(path: string): Promise<Module> {
  const checkout = process.env[otherCheckout];
  const base = checkout === undefined ? new URL('..', import.meta.url) : pathToFileURL(checkout);
  return (await import(new URL(`dist/${path}`, base).href)) as Module;
}
