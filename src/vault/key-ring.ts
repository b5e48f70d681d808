import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { KeyPurpose } from './associated-data.js';
import type { BranchKey } from './envelope.js';
import { KeySource } from './key-source.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';

const purposes: readonly KeyPurpose[] = [
  'connections.sealed',
  'links.sealed',
  'audit.user',
  'audit.chain',
  'erasures.user',
  'connections.account',
];

const selectKeys: Statement = {
  name: 'vault-select-keys',
  text: 'SELECT kid, purpose, state, wrapped_key, root_key_ref FROM vault_keys',
};
const insertActiveKey: Statement = {
  name: 'vault-insert-active-key',
  text: `INSERT INTO vault_keys (kid, purpose, state, wrapped_key, root_key_ref) VALUES ($1, $2, 'active', $3, $4)
         ON CONFLICT (purpose) WHERE state = 'active' DO NOTHING`,
};

interface KeyRow {
  kid: string;
  purpose: KeyPurpose;
  state: string;
  wrapped_key: Buffer;
  root_key_ref: string;
}

/**
 * The branch keys of this deployment, unwrapped and in memory.
 *
 * The first boot makes one active key a purpose. A boot whose root key does not open the stored keys fails: going on would
 * seal new values under keys that nobody else has (CR-10).
 */
@Injectable()
export class KeyRing implements OnModuleInit {
  private keys = new Map<string, BranchKey>();
  private active = new Map<KeyPurpose, BranchKey>();
  private reloading: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly keySource: KeySource,
    @Inject(vaultConfig.KEY) private readonly config: VaultConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.load();
    for (const purpose of purposes.filter((each) => !this.active.has(each))) {
      await this.createActiveKey(purpose);
    }
    await this.load();
  }

  /** Returns the key that new values of a purpose are sealed or digested under. */
  getActive(purpose: KeyPurpose): BranchKey {
    const key = this.active.get(purpose);
    if (key === undefined) {
      throw new Error(`There is no active key for ${purpose}.`);
    }
    return key;
  }

  /** Returns the one key with this id; reads the database once when it is not known yet. `undefined` when there is none. */
  async find(kid: string): Promise<BranchKey | undefined> {
    if (!this.keys.has(kid)) {
      this.reloading ??= this.load().finally(() => (this.reloading = undefined));
      await this.reloading;
    }
    return this.keys.get(kid);
  }

  private async load(): Promise<void> {
    const rows = await this.database.query<KeyRow>(selectKeys);
    const keys = new Map<string, BranchKey>();
    const active = new Map<KeyPurpose, BranchKey>();
    for (const row of rows) {
      const branchKey = this.keys.get(row.kid) ?? { kid: row.kid, key: createSecretKey(await this.unwrap(row)) };
      keys.set(row.kid, branchKey);
      if (row.state === 'active') {
        active.set(row.purpose, branchKey);
      }
    }
    this.keys = keys;
    this.active = active;
  }

  private async unwrap(row: KeyRow): Promise<Buffer> {
    const context = { kid: row.kid, purpose: row.purpose, environment: this.config.environmentName };
    try {
      return await this.keySource.unwrap({ blob: row.wrapped_key, keyRef: row.root_key_ref }, context);
    } catch (error) {
      throw new Error(
        `ENCRYPTION_ROOT_KEY (or ENVIRONMENT_NAME) is not the one this database was set up with: key ${row.kid} does not open. ` +
          'Set the former root key; nothing was changed.',
        { cause: error },
      );
    }
  }

  private async createActiveKey(purpose: KeyPurpose): Promise<void> {
    const kid = randomUUID();
    const context = { kid, purpose, environment: this.config.environmentName };
    const { blob, keyRef } = await this.keySource.wrap(randomBytes(32), context);
    await this.database.query(insertActiveKey, [kid, purpose, blob, keyRef]);
  }
}
