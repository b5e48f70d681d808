import type { Requester } from '../audit/audit-event.js';
import type { OnAccountChange } from '../tokens/accounts/account-rules.js';
import type { Metadata } from '../tokens/store/metadata.js';

/** The terms of a link as a caller asks for them. */
export interface LinkRequest {
  readonly userId: string;
  readonly provider: string;
  readonly returnUrl: string | undefined;
  readonly scopes: readonly string[] | undefined;
  /** `undefined`: as LINK_CONFIRMATION says. */
  readonly requireConfirmation: boolean | undefined;
  readonly onAccountChange: OnAccountChange;
  /** For the connection; absent keeps its present metadata. */
  readonly metadata?: Metadata | undefined;
}

/** The terms of a link, checked. */
export interface LinkTerms extends Pick<
  LinkRequest,
  'userId' | 'provider' | 'scopes' | 'onAccountChange' | 'metadata'
> {
  readonly returnUrl: string | null;
  readonly requireConfirmation: boolean;
  /** Secret of the only browser that may finish the link (AR-03); `undefined` when any browser may. */
  readonly browserSecret: string | undefined;
}

/** A link that waits for its callback. */
export interface StartedLink {
  readonly id: string;
  /** The provider's authorization URL, for the user's browser. */
  readonly linkWebUrl: string;
  readonly state: string;
  readonly expiresAt: Date;
  readonly requireConfirmation: boolean;
  readonly metadata: Metadata | undefined;
  /** Set when the provider will be shut down. */
  readonly retirement: Retirement | undefined;
}

/** The announced end of a provider. */
export interface Retirement {
  readonly message: string;
  /** `YYYY-MM-DD`, the last day. */
  readonly sunsetAt: string;
  readonly replacedBy: string | undefined;
}

/** The caller that confirms a link. */
export interface LinkConfirmer {
  readonly requester: Requester;
  /** The only providers it may use; `undefined` is all. */
  readonly providers: ReadonlySet<string> | undefined;
}
