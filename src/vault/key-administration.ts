import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { durationText } from '../clock/duration-text.js';
import type { KeyPurpose } from './associated-data.js';
import { isReplaceable, isSealPurpose, keyPurposes } from './key-purposes.js';
import { KeyRing } from './key-ring.js';
import { KeySource } from './key-source.js';
import { KeyStore, type StoredKey } from './key-store.js';
import { SealedRows } from './sealed-rows.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';

const pollMs = 250;
/**
 * Least time from the last value under a key to its destruction: refreshes in flight may still save.
 */
const leastRetiredSeconds = 600;

/** A key, and the number of stored values under it. */
export interface ListedKey extends StoredKey {
  /** `undefined` for keys of digests. */
  readonly rows: number | undefined;
}

/** The operator's actions on branch keys. The text of each refusal, an Error, gives the next step. */
@Injectable()
export class KeyAdministration {
  constructor(
    private readonly store: KeyStore,
    private readonly keyRing: KeyRing,
    private readonly keySource: KeySource,
    private readonly rows: SealedRows,
    @Inject(vaultConfig.KEY) private readonly config: VaultConfig,
  ) {}

  /** Returns all keys with the number of values under each. */
  async list(): Promise<ListedKey[]> {
    const counts = new Map<KeyPurpose, Map<string, number>>();
    for (const purpose of keyPurposes.filter(isSealPurpose)) {
      counts.set(purpose, await this.rows.countByKey(purpose));
    }
    return (await this.store.list()).map((key) => {
      const ofPurpose = counts.get(key.purpose);
      return { ...key, rows: ofPurpose === undefined ? undefined : (ofPurpose.get(key.kid) ?? 0) };
    });
  }

  /**
   * Makes a pending key: every replica loads it, and none seals under it yet.
   *
   * @returns its id
   * @throws Error for a purpose of digests
   */
  async add(purpose: KeyPurpose): Promise<string> {
    if (!isReplaceable(purpose)) {
      throw new Error(
        `Keys of ${purpose} cannot be replaced: a value must always give the same digest, and the values are not stored. ` +
          'Use "keys rewrap" to move them to another root key.',
      );
    }
    const key = await this.keyRing.createKey(purpose);
    await this.store.insertPending(key);
    return key.kid;
  }

  /**
   * Makes a pending key the active one, once every live replica has it.
   *
   * @param waitMs - how long to wait for replicas that lack it
   * @param force - does not wait: a replica that lacks the key reads it with the first value that it cannot open. Still
   *   waits for a process that does not know the suite of the key, because it would damage values.
   * @throws Error when it is not pending, or replicas still lack it or do not know its suite; nothing was changed
   */
  async promote(kid: string, waitMs: number, force: boolean): Promise<void> {
    const { state, suite } = await this.get(kid);
    if (state !== 'pending') {
      throw new Error(`Key ${kid} is ${state}. Only a pending key can be promoted.`);
    }
    const giveUpAtMs = performance.now() + waitMs;
    while (!(await this.store.promote(kid, force))) {
      const older = await this.store.findOlderProcesses(suite);
      const lacking = await this.store.findReplicasLacking(kid);
      if (performance.now() >= giveUpAtMs && older.length > 0) {
        throw new Error(
          `Not promoted: ${older.length} live processes of an older version do not know suite ${suite} of key ${kid} ` +
            `(${older.join(', ')}). Finish the upgrade, so that none of them runs, and repeat the command.`,
        );
      }
      if (performance.now() >= giveUpAtMs) {
        throw new Error(
          `Not promoted: ${lacking.length} live replicas have not loaded key ${kid} (${lacking.join(', ')}). ` +
            'Check their logs. Wait longer with --wait, or use --force in an emergency.',
        );
      }
      await sleep(pollMs);
    }
    await this.keyRing.reloadNow();
  }

  /**
   * Destroys a decrypt-only key under which no stored value is left (CR-09).
   *
   * @param horizonSeconds - how long it must have been decrypt-only: as long as backups are kept, because values in an
   *   older backup become unreadable
   * @throws Error when it is not decrypt-only, not for long enough, or a value is left; nothing was changed
   */
  async retire(kid: string, horizonSeconds: number): Promise<void> {
    const { state, purpose } = await this.get(kid);
    if (!isSealPurpose(purpose)) {
      throw new Error(`Keys of ${purpose} cannot be destroyed: past entries could no longer be verified.`);
    }
    if (state !== 'decrypt_only') {
      throw new Error(`Key ${kid} is ${state}. Only a decrypt_only key can be destroyed.`);
    }
    const rows = (await this.rows.countByKey(purpose)).get(kid) ?? 0;
    if (rows > 0) {
      throw new Error(`Not destroyed: ${rows} values of ${purpose} are sealed under key ${kid}. Run "keys reencrypt".`);
    }
    const seconds = Math.max(horizonSeconds, leastRetiredSeconds);
    if (!(await this.store.destroy(kid, seconds))) {
      throw new Error(`Not destroyed: key ${kid} must have been decrypt_only for ${durationText(seconds)}.`);
    }
  }

  /**
   * Wraps every key by the root key of the settings, unless it is already.
   *
   * @returns the ids of the keys that were wrapped again
   * @throws Error when the former root key of a key is not in the settings beside the new one; keys before it are moved
   */
  async rewrap(): Promise<string[]> {
    const moved: string[] = [];
    for (const key of await this.store.list()) {
      if (key.wrappedKey === null) {
        continue;
      }
      const { kid, purpose } = key;
      const context = { kid, purpose, environment: this.config.environmentName };
      const wrapped = await this.keySource.wrap(await this.keyRing.unwrap(key), context);
      if (wrapped.keyRef !== key.rootKeyRef && (await this.store.rewrap(kid, key.wrappedKey, wrapped))) {
        moved.push(kid);
      }
    }
    return moved;
  }

  private async get(kid: string): Promise<StoredKey> {
    const key = (await this.store.list()).find((each) => each.kid === kid);
    if (key === undefined) {
      throw new Error(`There is no key ${kid}. Run "keys list".`);
    }
    return key;
  }
}
