import { describe, expect, it } from '@jest/globals';

import { chooseUnprivilegedAccount } from './unprivileged-account.js';

const ROOT = 'root:x:0:0:root:/root:/bin/sh';
const DAEMON = 'daemon:x:1:1::/:/bin/false';
const NOBODY = 'nobody:x:65534:65533::/:/bin/false';
const POSTGRES = 'postgres:x:70:71::/var/lib/postgresql:/bin/sh';

function passwd(...lines: string[]): string {
  return `${lines.join('\n')}\n`;
}

describe('chooseUnprivilegedAccount', () => {
  it('prefers postgres, wherever it is listed', () => {
    expect(chooseUnprivilegedAccount(passwd(ROOT, DAEMON, NOBODY, POSTGRES))).toEqual({ uid: 70, gid: 71 });
  });

  it('takes nobody when there is no postgres', () => {
    expect(chooseUnprivilegedAccount(passwd(ROOT, DAEMON, NOBODY))).toEqual({ uid: 65534, gid: 65533 });
  });

  it('takes the first account that is not root when there is neither', () => {
    expect(chooseUnprivilegedAccount(passwd(ROOT, DAEMON, 'app:x:1000:1000::/:/bin/sh'))).toEqual({ uid: 1, gid: 1 });
  });

  it('never takes an account that is root under another name', () => {
    expect(chooseUnprivilegedAccount(passwd('postgres:x:0:0::/:/bin/sh', DAEMON))).toEqual({ uid: 1, gid: 1 });
  });

  it('passes over comments, blank lines and negative ids', () => {
    const text = passwd('# users', '', 'nobody:*:-2:-2::/:/bin/false', DAEMON);
    expect(chooseUnprivilegedAccount(text)).toEqual({ uid: 1, gid: 1 });
  });

  it('asks for an ordinary user on a machine with root only', () => {
    expect(() => chooseUnprivilegedAccount(passwd(ROOT))).toThrow(/Start as an ordinary user/);
  });
});
