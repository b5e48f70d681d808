/**
 * Loads a module of the built service: Node runs these files as they are, but cannot run decorators.
 *
 * @param path - below `dist/`
 */
export async function built<Module>(path: string): Promise<Module> {
  return (await import(new URL(`../dist/${path}`, import.meta.url).href)) as Module;
}
