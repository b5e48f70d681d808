import type { Requester } from '../../audit/audit-event.js';
import type { ErrorCode } from '../../errors/error-code.js';
import type { ConnectedAccount } from '../../tokens/connection-linker.js';

/** The request that brought a callback. */
export interface CallbackArrival {
  /** Whether another site posted it as a form: no Lax cookie can come with that (AR-16). */
  readonly byForm: boolean;
  readonly requester: Requester;
  /** Returns the secret that this browser was given for a link, if it was. */
  readonly findSecret: (linkId: string) => string | undefined;
}

/** The end of a visit of the callback. `returnUrl` is the browser's next page, if the link named one. */
export type CallbackOutcome = {
  readonly provider: string;
  readonly linkId: string;
  readonly returnUrl: string | undefined;
} & (
  | ({ readonly kind: 'connected' } & ConnectedAccount)
  /** The browser gets the code; the error is for a caller without a return URL. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly error: Error }
  /** The company has to confirm the user with this code, at the latest then. */
  | { readonly kind: 'unconfirmed'; readonly confirmationCode: string; readonly expiresAt: Date }
  /** The browser has to come back with its cookie and this handle. */
  | { readonly kind: 'unbound'; readonly handle: string }
);
