import { createRequire } from 'node:module';

/** Encodes the client secret, which is empty. */
const calledByConstructor = '_encodeData';

type Methods = Record<string, unknown>;

/** A watch over the methods of Passport's OAuth clients. */
export interface PassportClientWatch {
  /** The names of the methods that were called. */
  readonly calls: readonly string[];
  /** How many methods there are. */
  readonly watched: number;
  start(): void;
  stop(): void;
}

/**
 * Watches the OAuth clients of Passport's strategies, each in the copy of the package that its strategy loads. Every
 * call of a method is recorded, and throws.
 */
export function watchPassportClients(): PassportClientWatch {
  const require = createRequire(import.meta.url);
  const load = (strategy: string) =>
    createRequire(require.resolve(strategy))('oauth') as Record<'OAuth' | 'OAuth2', { prototype: Methods }>;
  const prototypes = [load('passport-oauth1').OAuth.prototype, load('passport-oauth2').OAuth2.prototype];
  const methods = prototypes.flatMap((prototype) =>
    Object.entries(prototype)
      .filter(([name, method]) => typeof method === 'function' && name !== calledByConstructor)
      .map(([name, method]) => ({ prototype, name, method })),
  );
  const calls: string[] = [];
  return {
    calls,
    watched: methods.length,
    start() {
      for (const { prototype, name } of methods) {
        prototype[name] = () => {
          calls.push(name);
          throw new Error(`${name} of Passport's OAuth client was called.`);
        };
      }
    },
    stop() {
      for (const { prototype, name, method } of methods) {
        prototype[name] = method;
      }
    },
  };
}
