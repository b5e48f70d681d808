import { generateKeySync, randomUUID, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { KeyUnavailableError } from '../errors/connection.errors.js';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import type { KeyPurpose } from './associated-data.js';
import type { BranchKey } from './envelope.js';
import { HeldKey } from './held-key.js';
import { computeKeyCheck } from './key-check.js';
import { keyPurposes } from './key-purposes.js';
import { KeySource } from './key-source.js';
import { KeySourceUnavailableError, KeyUnwrapError, RootKeyDisabledError } from './key-source.errors.js';
import { KeyStore, type NewKey, type StoredKey } from './key-store.js';
import { maxOperations } from './key-usage.js';
import { currentSuite } from './message-key.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';

/** A refresh takes at most this long from its check of the key to the sealing of its result, in milliseconds. */
const sealAheadMs = 120_000;

/** The names that sealed values are bound to if ENVIRONMENT_NAME is not set. */
const defaultNames = ['development', 'test', 'production'];

/**
 * The branch keys of this deployment, unwrapped and in memory.
 *
 * The first start makes one active key for each purpose. A start fails if its root key does not open the stored keys:
 * otherwise it would seal new values under keys that nobody else has (CR-10). Later, a key that the key service does
 * not unwrap again is used until it is `staleMs` old. A key that the key service has disabled is released at once
 * (CR-14).
 *
 * A slow database does not fail the start: the process runs without a key, is not ready, and reads the keys again.
 */
@Injectable()
export class KeyRing implements OnModuleInit {
  private readonly logger = new Logger(KeyRing.name);
  private keys = new Map<string, HeldKey>();
  /** Ids of the stored keys, also of those that could not be unwrapped. */
  private stored: ReadonlySet<string> = new Set();
  private active = new Map<KeyPurpose, HeldKey>();
  private reloading: Promise<void> | undefined;
  private isPrepared = false;

  constructor(
    private readonly store: KeyStore,
    private readonly keySource: KeySource,
    @Inject(vaultConfig.KEY) private readonly config: VaultConfig,
  ) {}

  /** @throws Error when a stored key does not open, or the key service does not respond */
  async onModuleInit(): Promise<void> {
    try {
      await this.prepare();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) {
        throw error;
      }
      this.logger.warn('The keys could not be read, because the database does not respond. They are read again.');
    }
  }

  /** Reads the keys, and makes the missing ones of a fresh database. */
  private async prepare(): Promise<void> {
    await this.load();
    const missing = keyPurposes.filter((each) => !this.active.has(each));
    if (missing.length > 0 && !this.config.createsKeys) {
      throw new Error(
        `The database has no key for ${missing.join(', ')} yet, and this process creates none (a worker never does). Start the ` +
          'API first, or run `npm run cli -- keys list` once. Then start this process again.',
      );
    }
    for (const purpose of missing) {
      await this.store.insertActive(await this.createKey(purpose));
    }
    await this.load();
    this.isPrepared = true;
  }

  /**
   * Returns the active key of a purpose, for digests and signatures.
   *
   * @throws {@link KeyUnavailableError} when it may not be used
   */
  getActive(purpose: KeyPurpose): BranchKey {
    return this.use(this.findActive(purpose), this.config.staleMs);
  }

  /**
   * Returns the active key of a purpose for sealing a value, and counts the value.
   *
   * @throws {@link KeyUnavailableError} when it may not be used, or has reached its limit of values (CR-04)
   */
  takeForSeal(purpose: KeyPurpose): BranchKey {
    const held = this.findActive(purpose);
    const key = this.use(held, this.config.staleMs);
    this.checkOperations(held);
    held.countOperation();
    return key;
  }

  /**
   * Checks that values of a purpose can be sealed now and for the next two minutes.
   *
   * @throws {@link KeyUnavailableError} when they cannot
   */
  checkSeal(purpose: KeyPurpose): BranchKey {
    const held = this.findActive(purpose);
    this.checkOperations(held);
    return this.use(held, this.config.staleMs - Math.min(sealAheadMs, this.config.staleMs / 4));
  }

  /**
   * Returns the one key with this id; reads the database once when it is not known yet. `undefined` when there is none.
   *
   * @throws {@link KeyUnavailableError} when it may not be used, or the key service did not unwrap it
   * @throws {@link DatabaseUnavailableError} when it is not known and the database does not respond
   */
  async find(kid: string): Promise<BranchKey | undefined> {
    if (!this.keys.has(kid)) {
      await this.reloadNow();
    }
    const held = this.keys.get(kid);
    if (held !== undefined) {
      return this.use(held, this.config.staleMs);
    }
    if (this.stored.has(kid)) {
      throw new KeyUnavailableError(`Key ${kid} could not be unwrapped.`);
    }
    return undefined;
  }

  /**
   * Reports the number of sealed values, reads the keys again, and lets the key service unwrap due ones again. Callers
   * at the same moment share one reading.
   *
   * @throws {@link DatabaseUnavailableError} when the database does not respond; the keys in memory stay as they are
   */
  reload(): Promise<void> {
    this.reloading ??= this.reportOperations()
      .then(() => (this.isPrepared ? this.load() : this.prepare()))
      .finally(() => (this.reloading = undefined));
    return this.reloading;
  }

  /** The same by a reading that begins now: one in progress may have begun before a key was made. */
  async reloadNow(): Promise<void> {
    await this.reloading;
    await this.reload();
  }

  /** Returns the ids of the keys that this process can use. */
  usableKids(): string[] {
    return this.list()
      .filter((held) => held.use(performance.now(), this.config.staleMs) !== undefined)
      .map(({ kid }) => kid);
  }

  /** Returns the keys in memory. */
  list(): HeldKey[] {
    return [...this.keys.values()];
  }

  /** Makes a random key and wraps it; stores nothing. */
  async createKey(purpose: KeyPurpose): Promise<NewKey> {
    const kid = randomUUID();
    const key = generateKeySync('aes', { length: 256 });
    const wrapped = await this.keySource.wrap(key, { kid, purpose, environment: this.config.environmentName });
    return { kid, purpose, suite: currentSuite, ...wrapped, keyCheck: computeKeyCheck(kid, key) };
  }

  /**
   * Has a stored key unwrapped by the key service.
   *
   * @throws {@link KeyUnwrapError} when it does not open, or is not the one that was made
   * @throws {@link KeySourceUnavailableError}, {@link RootKeyDisabledError}
   */
  async unwrap({ kid, purpose, wrappedKey, rootKeyRef, keyCheck }: StoredKey): Promise<KeyObject> {
    if (wrappedKey === null) {
      throw new KeyUnwrapError(`Key ${kid} is destroyed.`);
    }
    const context = { kid, purpose, environment: this.config.environmentName };
    const key = await this.keySource.unwrap({ blob: wrappedKey, keyRef: rootKeyRef }, context);
    const check = computeKeyCheck(kid, key);
    if (keyCheck === null) {
      await this.store.setKeyCheck(kid, check);
    } else if (keyCheck.length !== check.length || !timingSafeEqual(keyCheck, check)) {
      throw new KeyUnwrapError(`Key ${kid} is not the original key: its check value differs.`);
    }
    return key;
  }

  /** Returns the default name under which the root key unwraps a key, if there is one. */
  private async findName({ kid, purpose, wrappedKey, rootKeyRef }: StoredKey): Promise<string | undefined> {
    for (const environment of defaultNames.filter((each) => each !== this.config.environmentName)) {
      const wrapped = { blob: wrappedKey ?? Buffer.alloc(0), keyRef: rootKeyRef };
      const isIt = await this.keySource.unwrap(wrapped, { kid, purpose, environment }).then(
        () => true,
        () => false,
      );
      if (isIt) {
        return environment;
      }
    }
    return undefined;
  }

  private async reportOperations(): Promise<void> {
    for (const held of this.keys.values()) {
      const count = held.takeUnreported();
      if (count > 0) {
        try {
          await this.store.countOperations(held.kid, count);
        } catch (error) {
          held.giveBack(count);
          throw error;
        }
      }
    }
  }

  private findActive(purpose: KeyPurpose): HeldKey {
    const held = this.active.get(purpose);
    if (held === undefined) {
      throw new KeyUnavailableError(`There is no active key for ${purpose}.`);
    }
    return held;
  }

  private use(held: HeldKey, maxAgeMs: number): BranchKey {
    const key = held.use(performance.now(), maxAgeMs);
    if (key === undefined) {
      throw new KeyUnavailableError(`Key ${held.kid} was not unwrapped recently, or its root key is disabled.`);
    }
    return key;
  }

  private checkOperations(held: HeldKey): void {
    if (held.operations >= maxOperations) {
      throw new KeyUnavailableError(
        `Key ${held.kid} has sealed ${held.operations} values, which is the limit. Promote another one.`,
      );
    }
  }

  private async load(): Promise<void> {
    const stored = (await this.store.list()).filter(({ state }) => state !== 'destroyed');
    const held = await Promise.all(stored.map((each) => this.hold(each)));
    this.stored = new Set(stored.map(({ kid }) => kid));
    const keys = held.filter((each) => each !== undefined);
    this.keys = new Map(keys.map((each) => [each.kid, each]));
    this.active = new Map(
      keys.filter((each) => each.stored.state === 'active').map((each) => [each.stored.purpose, each]),
    );
  }

  /** Returns the key in memory, unwrapped again when it is due; `undefined` when it is unavailable. */
  private async hold(stored: StoredKey): Promise<HeldKey | undefined> {
    const held = this.keys.get(stored.kid);
    if (held !== undefined) {
      held.stored = stored;
      if (held.ageMs(performance.now()) < this.config.cacheMs) {
        return held;
      }
    }
    const askedAtMs = performance.now();
    try {
      const key = await this.unwrap(stored);
      held?.renew(key, askedAtMs);
      return held ?? new HeldKey(stored, key, askedAtMs);
    } catch (error) {
      return this.holdOn(stored, held, error);
    }
  }

  /** @throws Error at boot, when nothing is in memory yet */
  private async holdOn(stored: StoredKey, held: HeldKey | undefined, error: unknown): Promise<HeldKey | undefined> {
    if (this.keys.size === 0) {
      throw bootError(stored.kid, error, error instanceof KeyUnwrapError ? await this.findName(stored) : undefined);
    }
    if (error instanceof RootKeyDisabledError) {
      held?.drop();
    }
    this.logger.error(`Key ${stored.kid} cannot be unwrapped: ${error instanceof Error ? error.message : 'unknown'}`);
    return held;
  }
}

function bootError(kid: string, error: unknown, name: string | undefined): unknown {
  if (error instanceof KeySourceUnavailableError || error instanceof RootKeyDisabledError) {
    return new Error(`Key ${kid} cannot be unwrapped.`, { cause: error });
  }
  if (error instanceof KeyUnwrapError && name !== undefined) {
    return new Error(
      `The keys of this database belong to the environment "${name}", and this process has another one. The root key is right. ` +
        `Set ENVIRONMENT_NAME=${name}, or use the database of this environment.`,
      { cause: error },
    );
  }
  if (error instanceof KeyUnwrapError) {
    return new Error(
      `ENCRYPTION_ROOT_KEY (or ENVIRONMENT_NAME) is not the one that this database was set up with: key ${kid} cannot be unwrapped. ` +
        'Nothing was changed. Set the previous root key.',
      { cause: error },
    );
  }
  return error;
}
