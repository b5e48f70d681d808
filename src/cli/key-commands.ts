import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, type Command } from 'commander';
import type { AuditAction } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import type { KeyPurpose, SealPurpose } from '../vault/associated-data.js';
import { cryptoInventory } from '../vault/crypto-inventory.js';
import { KeyAdministration, type ListedKey } from '../vault/key-administration.js';
import { isKeyPurpose, isReplaceable, isSealPurpose, keyPurposes } from '../vault/key-purposes.js';
import { KeyRing } from '../vault/key-ring.js';
import { rotationReason } from '../vault/key-usage.js';
import { Reencryption, type ReencryptionProgress } from '../vault/reencryption.js';
import { exitCodes, type Print } from './output.js';
import { ProgressBar, type ProgressOutput } from './progress-bar.js';
import { textTable } from './text-table.js';

/** The environment of the commands. */
export interface KeyCommandContext {
  /** Runs a command with the key ring, against the database of the environment. */
  readonly withKeys: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>;
  readonly print: Print;
  readonly progress: ProgressOutput;
}

const sealPurposes = keyPurposes.filter(isSealPurpose);

/** Adds the commands for branch keys and root keys; `docs/keys.md` says when to use which. */
export function addKeyCommands(keys: Command, { withKeys, print, progress }: KeyCommandContext): void {
  keys
    .command('list')
    .description('list the keys with state, age and use')
    .action(() =>
      withKeys(async (app) => {
        const listed = await app.get(KeyAdministration).list();
        print(keysTable(listed), { keys: listed.map(describeKey) });
      }),
    );

  keys
    .command('inventory')
    .description('list the algorithms in use, with their standards, and the keys')
    .action(() =>
      withKeys(async (app) => {
        const algorithms = cryptoInventory.map(({ algorithm, standard, use }) => [algorithm, standard, use]);
        const listed = await app.get(KeyAdministration).list();
        print(`${textTable([['ALGORITHM', 'STANDARD', 'USE'], ...algorithms])}\n\n${keysTable(listed)}`, {
          algorithms: cryptoInventory.map(({ algorithm, standard, use }) => ({ algorithm, standard, use })),
          keys: listed.map(describeKey),
        });
      }),
    );

  keys
    .command('add')
    .description('create a pending key, which every replica loads and none uses yet')
    .requiredOption('--purpose <purpose>', `one of: ${keyPurposes.filter(isReplaceable).join(', ')}`, parsePurpose)
    .action(({ purpose }: { purpose: KeyPurpose }) =>
      withKeys(async (app) => {
        const kid = await app.get(KeyAdministration).add(purpose);
        await record(app, 'key.added', kid);
        print(kid, { kid });
      }),
    );

  keys
    .command('promote')
    .argument('<kid>', 'the pending key', parseKid)
    .description('make a pending key the active one, once every live replica has loaded it')
    .option('--wait <seconds>', 'how long to wait for replicas that have not loaded it', parseNumber, 120)
    .option('--force', 'do not wait for replicas', false)
    .action((kid: string, { wait, force }: { wait: number; force: boolean }) =>
      withKeys(async (app) => {
        await app.get(KeyAdministration).promote(kid, wait * 1_000, force);
        await record(app, 'key.promoted', kid);
        print(`Key ${kid} is active. Run "keys reencrypt" to re-encrypt values under older keys.`, { active: kid });
      }),
    );

  keys
    .command('reencrypt')
    .description('re-encrypt every value that is not under the active key; safe to run again')
    .option('--purpose <purpose>', `one of: ${sealPurposes.join(', ')}; all by default`, parsePurpose)
    .option('--rate <rows>', 'limit of rows per second', parseRate, 500)
    .action(({ purpose, rate }: { purpose?: KeyPurpose; rate: number }) =>
      withKeys((app) => reencrypt(app, purpose === undefined ? sealPurposes : [toSealPurpose(purpose)], rate)),
    );

  keys
    .command('retire')
    .argument('<kid>', 'the decrypt_only key', parseKid)
    .description('destroy a key that no stored value uses')
    .option('--horizon-days <days>', 'how long you keep backups; older backups become unreadable', parseNumber, 30)
    .action((kid: string, { horizonDays }: { horizonDays: number }) =>
      withKeys(async (app) => {
        await app.get(KeyAdministration).retire(kid, horizonDays * 86_400);
        await record(app, 'key.retired', kid);
        print(`Key ${kid} is destroyed.`, { destroyed: kid });
      }),
    );

  keys
    .command('rewrap')
    .description('wrap all keys with the current root key; the previous root key must be configured too')
    .action(() =>
      withKeys(async (app) => {
        const kids = await app.get(KeyAdministration).rewrap();
        for (const kid of kids) {
          await record(app, 'key.rewrapped', kid);
        }
        print(`${kids.length} keys were wrapped with the new root key.`, { rewrapped: kids });
      }),
    );

  async function reencrypt(
    app: INestApplicationContext,
    purposes: readonly SealPurpose[],
    rate: number,
  ): Promise<void> {
    const results: ({ readonly purpose: SealPurpose } & Pick<
      ReencryptionProgress,
      'moved' | 'superseded' | 'unreadable'
    >)[] = [];
    for (const purpose of purposes) {
      const bar = new ProgressBar(progress, () => performance.now());
      const done = await app
        .get(Reencryption)
        .run(purpose, rate, ({ seen, total, moved, pass }) =>
          bar.show(seen, total, `${purpose}, pass ${pass}: ${seen} of ${total} rows checked, ${moved} re-encrypted`),
        )
        .finally(() => bar.end());
      await record(app, 'key.reencrypted', app.get(KeyRing).getActive(purpose).kid);
      const { moved, superseded, unreadable } = done;
      results.push({ purpose, moved, superseded, unreadable });
    }
    const lines = results.map(
      ({ purpose, moved, superseded, unreadable }) =>
        `${purpose}: ${moved} re-encrypted, ${superseded} replaced in the meantime, ${unreadable} unreadable.`,
    );
    print(lines.join('\n'), { results });
    if (results.some(({ unreadable }) => unreadable > 0)) {
      process.exitCode = exitCodes.finding;
    }
  }
}

function record(app: INestApplicationContext, action: AuditAction, kid: string): Promise<void> {
  return app.get(AuditTrail).record({ action, outcome: 'success', actor: 'cli', subject: `key:${kid}` });
}

/** Describes a key without its wrapped form. */
function describeKey({
  kid,
  purpose,
  state,
  suite,
  createdAt,
  activatedAt,
  retiredAt,
  operations,
  rows,
  rootKeyRef,
}: ListedKey) {
  return { kid, purpose, state, suite, createdAt, activatedAt, retiredAt, operations, rows: rows ?? null, rootKeyRef };
}

function keysTable(keys: readonly ListedKey[]): string {
  const day = (date: Date | null): string => date?.toISOString().slice(0, 10) ?? '-';
  const rows = keys.map((key) => [
    key.kid,
    key.purpose,
    key.state,
    String(key.suite),
    day(key.createdAt),
    day(key.activatedAt),
    day(key.retiredAt),
    String(key.operations),
    key.rows === undefined ? '-' : String(key.rows),
    key.rootKeyRef,
    key.state === 'active' ? toDo(key) : '',
  ]);
  return textTable([
    ['KEY', 'PURPOSE', 'STATE', 'SUITE', 'CREATED', 'ACTIVE', 'RETIRED', 'SEALED', 'ROWS', 'ROOT KEY', 'TO DO'],
    ...rows,
  ]);
}

function toDo({ operations, activeForSeconds }: ListedKey): string {
  const reason = rotationReason(operations, activeForSeconds);
  return reason === undefined ? '' : `replace it: ${reason}`;
}

function parsePurpose(text: string): KeyPurpose {
  if (!isKeyPurpose(text) || !isReplaceable(text)) {
    throw new InvalidArgumentError(`keys can be replaced for: ${keyPurposes.filter(isReplaceable).join(', ')}.`);
  }
  return text;
}

function toSealPurpose(purpose: KeyPurpose): SealPurpose {
  if (!isSealPurpose(purpose)) {
    throw new Error(`No stored value uses keys of ${purpose}, so there is nothing to re-encrypt.`);
  }
  return purpose;
}

function parseKid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) {
    throw new InvalidArgumentError('a key id from "keys list".');
  }
  return text;
}

function parseRate(text: string): number {
  const rate = parseNumber(text);
  if (rate < 1) {
    throw new InvalidArgumentError('at least 1.');
  }
  return rate;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text)) {
    throw new InvalidArgumentError('a number of at least 0.');
  }
  return value;
}
