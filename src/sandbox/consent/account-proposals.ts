import type { GrantBook } from '../grants/grant-book.js';
import { Parameters } from '../http/form.js';
import type { IncomingCall } from '../http/incoming-call.js';

const firstAccount = 1001;
const cookieName = 'sandbox-accounts';
const rememberedAccounts = 5;
const cookieSeconds = 365 * 24 * 3600;

/** The account that a consent page proposes, and others that the person may mean. */
export interface AccountProposal {
  readonly account: string;
  readonly otherAccounts: readonly string[];
}

/** Tells whether a text is the number of an account at a fake provider. */
export function isAccountNumber(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

/**
 * Proposes the account for a consent. A provider knows the person by the browser, so a cookie keeps the accounts with
 * which this browser has approved:
 *
 * 1. The account in `login_hint` (OpenID Connect Core section 3.1.2.1), if the request has one.
 * 2. The browser's last account whose grants have all ended: its user links again.
 * 3. A number that nobody has used or was offered: a new user.
 *
 * The page also names the browser's other accounts.
 */
export class AccountProposals {
  #lastOffered = firstAccount - 1;

  constructor(
    private readonly slug: string,
    private readonly grants: GrantBook,
  ) {}

  propose(call: IncomingCall): AccountProposal {
    const known = readCookie(call);
    const hint = new Parameters(call.query).find('login_hint');
    const account =
      hint !== undefined && isAccountNumber(hint)
        ? hint
        : (known.find((each) => !this.grants.hasLiveGrant(each)) ?? this.#fresh());
    return { account, otherAccounts: known.filter((each) => each !== account) };
  }

  /** Returns the value of `Set-Cookie` with which the browser remembers an account. */
  remember(call: IncomingCall, account: string): string {
    const accounts = [account, ...readCookie(call).filter((each) => each !== account)].slice(0, rememberedAccounts);
    const attributes = `Path=/${this.slug}; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Lax`;
    return `${cookieName}=${accounts.join('.')}; ${attributes}`;
  }

  #fresh(): string {
    do {
      this.#lastOffered += 1;
    } while (this.grants.hasAccount(String(this.#lastOffered)));
    return String(this.#lastOffered);
  }
}

/** Returns the accounts of this browser, the last one first. */
function readCookie({ headers }: IncomingCall): string[] {
  const pair = (headers.cookie ?? '').split(/;\s*/).find((each) => each.startsWith(`${cookieName}=`));
  const accounts = pair?.slice(cookieName.length + 1).split('.') ?? [];
  return accounts.filter(isAccountNumber).slice(0, rememberedAccounts);
}
