import type { CallbackParameters, Handshake, HandshakeSecrets } from '../handshake.js';
import type { TokenResponse } from '../token-response.js';

/**
 * The request object that a strategy is run with. Strategies are stateless: what one attempt needs rides here, so that
 * nothing is kept in a session and any replica can serve the callback.
 */
export interface StrategyRequest {
  readonly query: CallbackParameters;
  readonly handshake: Handshake;
  /** Filled by the strategy on the way out, given to it on the way back. */
  secrets: HandshakeSecrets;
}

/** How a strategy ended: it wants the browser sent somewhere, or it has a token response, or it refused. */
export type StrategyOutcome =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'success'; readonly tokenResponse: TokenResponse }
  | { readonly kind: 'refused'; readonly reason: string };

/** The part of a Passport strategy that the runner calls. */
export interface RunnableStrategy {
  authenticate(request: unknown, options?: object): void;
}

/**
 * Runs a Passport strategy outside of any web framework and returns its outcome as a value.
 *
 * Passport's contract is a fresh object per request whose prototype is the strategy and which carries the five
 * callbacks; Nest's guard turns refusal, forgery and outage alike into 401, which is why it is not used here.
 *
 * @throws the error that the strategy reports through `error`, unchanged
 */
export function runStrategy(strategy: RunnableStrategy, request: StrategyRequest): Promise<StrategyOutcome> {
  return new Promise((resolve, reject) => {
    const run = Object.create(strategy) as RunnableStrategy & Record<string, unknown>;
    run['redirect'] = (url: string) => resolve({ kind: 'redirect', url });
    run['success'] = (tokenResponse: TokenResponse) => resolve({ kind: 'success', tokenResponse });
    run['fail'] = (challenge: unknown) => resolve({ kind: 'refused', reason: describeChallenge(challenge) });
    run['pass'] = () => resolve({ kind: 'refused', reason: 'the strategy passed' });
    run['error'] = (error: unknown) => reject(error instanceof Error ? error : new Error('The strategy failed.'));
    run.authenticate(request, {});
  });
}

/** Passport puts the provider's own words into a challenge; only ours are kept. */
function describeChallenge(challenge: unknown): string {
  return typeof challenge === 'object' && challenge !== null && 'refusal' in challenge
    ? String(challenge.refusal)
    : 'refused by the strategy';
}
