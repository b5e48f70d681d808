import type { Requester } from '../../audit/audit-event.js';
import type { ErrorCode } from '../../errors/error-code.js';
import type { ConnectedAccount } from '../../tokens/connection-linker.js';

/** The request that brought a callback. */
export interface CallbackArrival {
  /** Whether another site posted it as a form. No Lax cookie comes with such a request (AR-16). */
  readonly byForm: boolean;
  readonly requester: Requester;
  /** Returns the secret of a link from this browser's cookie, if it has one. */
  readonly findSecret: (linkId: string) => string | undefined;
}

/** The outcome of a visit to the callback. `returnUrl` is the browser's next page, if the link named one. */
export type CallbackOutcome = {
  readonly provider: string;
  readonly linkId: string;
  readonly returnUrl: string | undefined;
} & (
  | ({ readonly kind: 'connected' } & ConnectedAccount)
  /** The browser gets the code. The error is for a link without a return URL. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly error: Error }
  /** The company must confirm the user with this code before the instant. */
  | { readonly kind: 'unconfirmed'; readonly confirmationCode: string; readonly expiresAt: Date }
  /** The browser must come back with its cookie and this handle. */
  | { readonly kind: 'unbound'; readonly handle: string }
);
