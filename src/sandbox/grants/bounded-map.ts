/**
 * A map that forgets its oldest entries beyond a limit, so that a fake that runs for days does not fill the memory.
 */
export class BoundedMap<Value> {
  readonly #entries = new Map<string, Value>();

  /** @param limit - entries kept; an integer from 1 */
  constructor(private readonly limit = 50_000) {}

  set(key: string, value: Value): void {
    this.#entries.set(key, value);
    if (this.#entries.size > this.limit) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) {
        this.#entries.delete(oldest.value);
      }
    }
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  keys(): MapIterator<string> {
    return this.#entries.keys();
  }

  values(): MapIterator<Value> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }
}
