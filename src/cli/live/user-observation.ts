import { codeOf } from '../../errors/app-error.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { differs, describeError, ok, unknown, type Observation } from './probe.js';

/** One fact of the definition, and the observation of a consent about it. */
export interface ObservedFact extends Observation {
  readonly fact: string;
}

/**
 * Uses the grant of a test user in every way that the core does, and ends it. Looks up the account, refreshes once,
 * sends the used refresh token again, and revokes. Each fact is compared with the definition. A definition that is
 * stricter than the provider is OK, because nothing breaks.
 *
 * @param linked - the verified token response of the consent
 * @param asked - the scopes of the authorization request
 */
export async function observeGrant(
  provider: HealthProvider,
  linked: TokenResponse,
  asked: readonly string[],
): Promise<ObservedFact[]> {
  const run = new GrantRun(provider, linked);
  const facts: ObservedFact[] = [];
  const steps: readonly (readonly [string, () => Observation | Promise<Observation>])[] = [
    ['scopes', () => compareScopes(provider, linked, asked)],
    ['access token lifetime', () => compareAccessLife(provider, linked)],
    ['refresh token', () => compareRefreshToken(provider, linked)],
    ['account', () => run.account()],
    ['access', () => run.access()],
    ['rotation', () => run.rotation()],
    // Before the new tokens are used: that may end the time of grace.
    ['old access token', () => run.oldAccessToken()],
    ['grace', () => run.grace()],
    ['reuse', () => run.reuse()],
    ['revocation', () => run.revocation()],
  ];
  for (const [fact, compare] of steps) {
    const compared = await Promise.resolve()
      .then(compare)
      .catch((error: unknown) => differs(`The call failed: ${describeError(error)}.`));
    facts.push({ fact, ...compared });
  }
  return facts;
}

function compareScopes(
  { definition }: HealthProvider,
  { grantedScopes }: TokenResponse,
  asked: readonly string[],
): Observation {
  const told = definition.oauth === '2.0' && definition.grantedScopesIn !== 'nowhere';
  if (grantedScopes === undefined || grantedScopes === null) {
    return told ? differs('The granted scopes are declared to be told, and are not.') : ok('No scopes are told.');
  }
  const missing = asked.filter((scope) => !grantedScopes.includes(scope));
  const further = grantedScopes.filter((scope) => !asked.includes(scope)).length;
  const text = `${asked.length - missing.length} of ${asked.length} scopes are granted, and ${further} others`;
  return ok(missing.length === 0 ? `${text}.` : `${text}. Not granted: ${missing.join(', ')}.`);
}

function compareAccessLife({ definition }: HealthProvider, { expiresInSeconds }: TokenResponse): Observation {
  if (definition.oauth !== '2.0' || definition.neverExpires === true) {
    return ok('Access tokens are declared to have no end.');
  }
  const { accessTokenLifetimeSeconds: declared } = definition;
  if (expiresInSeconds === undefined) {
    return unknown('The response tells none, and none is declared.');
  }
  return declared === undefined || declared === expiresInSeconds
    ? ok(`${expiresInSeconds} s; ${declared === undefined ? 'none is declared' : 'as declared'}.`)
    : differs(`${expiresInSeconds} s; declared are ${declared} s.`);
}

function compareRefreshToken(
  { definition }: HealthProvider,
  { refreshToken, refreshExpiresInSeconds: life }: TokenResponse,
): Observation {
  const declared = definition.oauth === '2.0' && definition.noRefreshToken !== true;
  const lifeDeclared = definition.oauth === '2.0' && definition.refreshExpiresInField !== undefined;
  if (declared !== (refreshToken !== undefined)) {
    return differs(declared ? 'It is declared, and did not come.' : 'It came, and is declared not to.');
  }
  if (lifeDeclared && life === undefined) {
    return differs('The field of its life is declared, and did not come.');
  }
  return ok(declared ? `It came${life === undefined ? '' : `, with a life of ${life} s`}.` : 'There is none.');
}

/** The steps that need the provider. Each leaves the tokens for the next one. */
class GrantRun {
  private current: TokenResponse;
  private refreshed: TokenResponse | undefined;
  private used: string | undefined;
  private acceptedAgain = false;
  private isEnded = false;

  constructor(
    private readonly provider: HealthProvider,
    linked: TokenResponse,
  ) {
    this.current = linked;
  }

  async account(): Promise<Observation> {
    const { account } = this.provider.definition;
    const providerUserId = await this.provider.findProviderUserId(this.current);
    this.current = this.current.with({ providerUserId });
    await this.provider.prepareAccount(this.current);
    return account.from === 'nowhere'
      ? unknown('The provider is declared to tell no id.')
      : ok(`The user's id is where it is declared (${account.from}), with ${providerUserId?.length ?? 0} characters.`);
  }

  async access(): Promise<Observation> {
    const verdict = await this.provider.checkAccess(this.current);
    return verdict === 'unknown'
      ? unknown('The provider has no call that shows it.')
      : verdict === 'accepted'
        ? ok('The API accepts the access token.')
        : differs('The API rejects the access token.');
  }

  async rotation(): Promise<Observation> {
    const { definition } = this.provider;
    const { refreshToken } = this.current;
    if (definition.oauth !== '2.0' || refreshToken === undefined) {
      return ok('There is nothing to refresh.');
    }
    if (definition.minRefreshIntervalSeconds !== undefined) {
      return unknown(`Not tried: one refresh in ${definition.minRefreshIntervalSeconds} s is allowed.`);
    }
    this.refreshed = await this.provider.refresh(this.current);
    const rotated = this.refreshed.refreshToken !== undefined && this.refreshed.refreshToken !== refreshToken;
    this.used = rotated ? refreshToken : undefined;
    const seen = rotated ? 'The refresh token was replaced' : 'The refresh token stays the same';
    return rotated && definition.refresh.rotates === 'never'
      ? differs(`${seen}; it is declared to stay.`)
      : ok(`${seen}; declared is "${definition.refresh.rotates}".`);
  }

  async grace(): Promise<Observation> {
    const { definition } = this.provider;
    if (definition.oauth !== '2.0' || this.used === undefined) {
      return unknown('Not tried: no refresh token was replaced.');
    }
    const declared = definition.refresh.grace;
    try {
      const again = await this.provider.refresh({ ...this.current, refreshToken: this.used });
      this.acceptedAgain = true;
      this.refreshed = again;
      return ok(`A used refresh token is accepted again at once; declared is ${JSON.stringify(declared)}.`);
    } catch (error) {
      const seen = `A used refresh token is rejected at once: ${describeError(error)}`;
      return declared === 'none' ? ok(`${seen}.`) : differs(`${seen}. Declared is ${JSON.stringify(declared)}.`);
    }
  }

  async oldAccessToken(): Promise<Observation> {
    const { definition } = this.provider;
    if (definition.oauth !== '2.0' || this.refreshed === undefined) {
      return unknown('Not tried: there was no refresh.');
    }
    const dies = definition.refresh.oldAccessTokenDiesOnRefresh;
    const verdict = await this.provider.checkAccess(this.current);
    if (verdict === 'unknown') {
      return unknown('The provider has no call that shows it.');
    }
    const seen = verdict === 'accepted' ? 'It works after a refresh' : 'It is dead after a refresh';
    return verdict === 'rejected' && !dies
      ? differs(`${seen}; declared is that it works.`)
      : ok(`${seen}; declared is that it ${dies ? 'dies' : 'works'}.`);
  }

  async reuse(): Promise<Observation> {
    const { definition } = this.provider;
    this.continueWith(this.refreshed);
    if (definition.oauth !== '2.0' || this.used === undefined || this.acceptedAgain) {
      return unknown('Not tried: no used refresh token was rejected.');
    }
    const declared = definition.refresh.reuse;
    try {
      this.continueWith(await this.provider.refresh(this.current));
    } catch (error) {
      if (codeOf(error) !== 'TOKEN_REVOKED') {
        throw error;
      }
      this.isEnded = true;
    }
    const seen = this.isEnded ? 'A used refresh token ends the whole grant' : 'A used refresh token ends nothing else';
    return this.isEnded && declared !== 'family-revoked'
      ? differs(`${seen}; declared is "${declared}".`)
      : ok(`${seen}; declared is "${declared}".`);
  }

  async revocation(): Promise<Observation> {
    if (this.isEnded) {
      return unknown('Not tried: the used refresh token has ended the grant.');
    }
    if ((await this.provider.revoke(this.current)) === 'unsupported') {
      return unknown('The provider has no call that ends a grant: the test user must end it by hand.');
    }
    const after = await this.provider.checkAccess(this.current).catch(() => 'unknown' as const);
    return after === 'accepted'
      ? differs('The call succeeds, and the access token still works.')
      : ok(`The grant is ended${after === 'rejected' ? ', and the access token is rejected' : ''}.`);
  }

  /** A refresh without a refresh token keeps the old one. */
  private continueWith(next: TokenResponse | undefined): void {
    const { refreshToken, providerUserId } = this.current;
    this.current = next?.with({ refreshToken: next.refreshToken ?? refreshToken, providerUserId }) ?? this.current;
  }
}
