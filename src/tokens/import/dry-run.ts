import type { ImportRefusal } from './imported-grant.js';

/** A row that a dry run remembers, because it stores none. */
export interface RememberedRow {
  /** The user and the provider. */
  readonly place: string;
  /** Of the tokens. */
  readonly digest: string;
  /** The account, if no two users may have it. */
  readonly account: string | undefined;
}

/** The memory of one dry run. It finds rows of one file that are of the same user or account. */
export class DryRun {
  private readonly tokensByPlace = new Map<string, string>();
  private readonly placesByAccount = new Map<string, string>();

  /**
   * Remembers a row that could be imported.
   *
   * @returns the result that it would have after the rows before it; `undefined` when it could still be imported
   */
  remember({ place, digest, account }: RememberedRow): 'already_imported' | ImportRefusal | undefined {
    const tokens = this.tokensByPlace.get(place);
    if (tokens !== undefined) {
      return tokens === digest ? 'already_imported' : 'already_linked';
    }
    if (account !== undefined && (this.placesByAccount.get(account) ?? place) !== place) {
      return 'account_already_linked';
    }
    this.tokensByPlace.set(place, digest);
    if (account !== undefined) {
      this.placesByAccount.set(account, place);
    }
    return undefined;
  }
}
