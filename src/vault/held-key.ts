import type { KeyObject } from 'node:crypto';
import type { BranchKey } from './envelope.js';
import type { StoredKey } from './key-store.js';

/** A branch key in memory. The key itself is released when it may not be used any more. */
export class HeldKey {
  #stored: StoredKey;
  #key: KeyObject | undefined;
  #unwrappedAtMs: number;
  #unreported = 0;
  /** Values that were reported, and that the stored count does not have yet. */
  #reported = 0;

  /** @param nowMs - by the clock that measures ages */
  constructor(stored: StoredKey, key: KeyObject, nowMs: number) {
    this.#stored = stored;
    this.#key = key;
    this.#unwrappedAtMs = nowMs;
  }

  get kid(): string {
    return this.#stored.kid;
  }

  /** The stored key, as last read. */
  get stored(): StoredKey {
    return this.#stored;
  }

  /** Takes the stored key, read after all values were reported. */
  set stored(stored: StoredKey) {
    this.#stored = stored;
    this.#reported = 0;
  }

  /** Milliseconds since the key service last unwrapped it. */
  ageMs(nowMs: number): number {
    return nowMs - this.#unwrappedAtMs;
  }

  /** Takes the key that the key service has unwrapped again. */
  renew(key: KeyObject, nowMs: number): void {
    this.#key = key;
    this.#unwrappedAtMs = nowMs;
  }

  /** Releases the key; it is `undefined` until it is renewed. */
  drop(): void {
    this.#key = undefined;
  }

  /** Returns the key unless it was dropped or unwrapped longer ago than allowed. */
  use(nowMs: number, maxAgeMs: number): BranchKey | undefined {
    return this.#key === undefined || this.ageMs(nowMs) > maxAgeMs
      ? undefined
      : { kid: this.kid, key: this.#key, suite: this.#stored.suite };
  }

  /** Values sealed under it, as far as this process knows. */
  get operations(): number {
    return this.#stored.operations + this.#unreported + this.#reported;
  }

  countOperation(): void {
    this.#unreported += 1;
  }

  /** Returns the number of sealed values to report. They still count here until the stored count has them. */
  takeUnreported(): number {
    const count = this.#unreported;
    this.#unreported = 0;
    this.#reported += count;
    return count;
  }

  /** Takes back values that could not be reported. */
  giveBack(count: number): void {
    this.#unreported += count;
    this.#reported -= count;
  }
}
