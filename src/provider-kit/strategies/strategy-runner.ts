import type { CallbackParameters, Handshake, HandshakeSecrets } from '../handshake.js';
import type { TokenResponse } from '../token-response.js';

/**
 * The request object of a strategy. Strategies are stateless. The request has everything about the attempt, so that
 * nothing is kept in a session and any replica can serve the callback.
 */
export interface StrategyRequest {
  readonly query: CallbackParameters;
  readonly handshake: Handshake;
  /** Set by the strategy at the start, and passed to it at the callback. */
  secrets: HandshakeSecrets;
}

/** The result of a strategy: a redirect of the browser, a token response, or a refusal. */
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
 * Passport's contract is a fresh object for each request, with the strategy as its prototype and the five callbacks.
 * Nest's guard is not used here, because it turns refusal, forgery and outage alike into 401.
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

/** Keeps only our own texts of a challenge. Passport puts the provider's words into others. */
function describeChallenge(challenge: unknown): string {
  return typeof challenge === 'object' && challenge !== null && 'refusal' in challenge
    ? String(challenge.refusal)
    : 'refused by the strategy';
}
