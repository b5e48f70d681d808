/** A user of this machine that is not root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const PREFERRED_NAMES = ['postgres', 'nobody'];

/**
 * Chooses the account of PostgreSQL when we are root, because it refuses to run as root.
 *
 * The machine must know the account, because `initdb` looks its own user up. The choice is `postgres`, else `nobody`,
 * else the first that is not root.
 *
 * @param passwd - content of `/etc/passwd`
 * @throws Error when root is the only account
 */
export function chooseUnprivilegedAccount(passwd: string): Account {
  const accounts = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , uid, gid]) => /^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? ''))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid !== 0);
  const preferred = PREFERRED_NAMES.map((name) => accounts.find((account) => account.name === name));
  const account = preferred.find((found) => found !== undefined) ?? accounts[0];
  if (account === undefined) {
    throw new Error(
      'PostgreSQL refuses to run as root, and this machine has no other user. Start as an ordinary user.',
    );
  }
  return { uid: account.uid, gid: account.gid };
}
