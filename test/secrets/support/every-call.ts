import type { OAuth2Definition, ProviderDefinition } from '../../../src/provider-kit/definition/provider-definition.js';
import { fitbitDefinition } from '../../../src/providers/fitbit/fitbit.definition.js';
import { fitbitOauth1Definition } from '../../../src/providers/fitbit-oauth1/fitbit-oauth1.definition.js';
import { garminDefinition } from '../../../src/providers/garmin/garmin.definition.js';
import { garminOauth1Definition } from '../../../src/providers/garmin-oauth1/garmin-oauth1.definition.js';
import { ouraDefinition } from '../../../src/providers/oura/oura.definition.js';
import { whoopDefinition } from '../../../src/providers/whoop/whoop.definition.js';
import type { Misbehaviour } from '../../../src/sandbox/misbehaviour.js';
import { consent } from '../../../src/sandbox/testing/consent.js';
import { damageSealedTokens, hideTable } from '../../support/rows.js';
import { queryDatabase } from '../../support/test-database.js';
import { asked, failures, planted, tokenFieldFailures } from './planted-secrets.js';
import type { RecordingCaller, TalkativeService } from './recording-caller.js';

/** The providers that the run goes through. */
export const oauth2: readonly OAuth2Definition[] = [
  whoopDefinition,
  garminDefinition,
  fitbitDefinition,
  ouraDefinition,
];
export const oauth1 = [garminOauth1Definition, fitbitOauth1Definition];

const providers: readonly ProviderDefinition[] = [...oauth2, ...oauth1];

/** Makes every call, with right and wrong input, at providers that behave and at providers that do not. */
export class EveryCall {
  private readonly service: TalkativeService;

  constructor(private readonly caller: RecordingCaller) {
    this.service = caller.service;
  }

  async runEverything(): Promise<void> {
    for (const definition of oauth2) {
      await this.runConnection(definition);
      await this.runCallbacks(definition);
      for (const failure of [...failures, ...tokenFieldFailures]) {
        await this.failAt(definition, { ...failure, endpoint: 'token' });
        await this.failRefresh(definition, { ...failure, endpoint: 'refresh' });
      }
    }
    for (const definition of oauth1) {
      if (this.service.production) {
        // The sandbox checks signatures of http URLs, so over https every one of them is refused.
        await this.caller.start(definition);
        continue;
      }
      await this.runConnection(definition);
      await this.runCallbacks(definition);
      for (const failure of failures) {
        await this.failAt(definition, { ...failure, endpoint: 'access_token' });
        this.service.sandbox.provider(definition.slug).misbehave({ ...failure, endpoint: 'request_token' });
        await this.caller.start(definition);
        this.service.sandbox.provider(definition.slug).behave();
      }
    }
    for (const definition of this.service.production ? oauth2 : providers) {
      const user = await this.caller.link(definition);
      for (const failure of failures) {
        // The filler of a huge response, which is passed on, would pass for a token.
        if (failure.type !== 'hugeBody' && failure.type !== 'gzipBomb') {
          await this.failProxied(definition, user, { ...failure, endpoint: 'api' });
        }
        if (definition.sandbox.account !== undefined) {
          await this.failAt(definition, { ...failure, endpoint: 'account' });
        }
        if (definition.sandbox.revoke !== undefined && this.reachesRevocation(definition)) {
          await this.failRevocation(definition, { ...failure, endpoint: 'revoke' });
        }
      }
    }
    await this.runMistakes();
    await this.runWithoutPermission();
    for (const path of ['/metrics', '/docs-json', '/v1/providers', '/health/ready']) {
      await this.caller.call('GET', path);
    }
  }

  /** Link, look, read, refresh, expire, read, unlink. */
  private async runConnection(definition: ProviderDefinition): Promise<void> {
    const user = await this.caller.link(definition);
    const path = `/v1/users/${user}/connections`;
    await this.caller.call('GET', path);
    await this.caller.call('GET', `${path}/${definition.slug}/token`);
    await this.callProvider(definition, user);
    await this.caller.call('POST', `${path}/${definition.slug}/refresh`);
    this.service.sandbox.provider(definition.slug).expireAccessTokens();
    await this.caller.call('POST', `${path}/${definition.slug}/refresh`);
    await this.caller.call('GET', `${path}/${definition.slug}/token`);
    await this.caller.call('GET', `${path}/${definition.slug}`);
    if (this.reachesRevocation(definition)) {
      await this.caller.call('DELETE', `${path}/${definition.slug}`);
    }
    await this.caller.call('GET', `${path}/${definition.slug}/token`);
  }

  /** Right and wrong calls of the provider's API, by proxy and with a signature. */
  private async callProvider(definition: ProviderDefinition, user: string): Promise<void> {
    const path = `/v1/users/${user}/connections/${definition.slug}`;
    const { apiPath, apiBasePath = '' } = definition.sandbox;
    const target = apiPath.slice(apiBasePath.length + 1);
    const form = 'application/x-www-form-urlencoded';
    await this.caller.call('GET', `${path}/proxy/${target}/${asked}?a=${asked}`);
    await this.caller.call('POST', `${path}/proxy/${target}`, `a=${asked}`, form);
    await this.caller.call('POST', `${path}/proxy/${target}`, `access_token=${planted.accessToken}`, form);
    await this.caller.call('GET', `${path}/proxy/${target}?access_token=${planted.accessToken}`);
    await this.caller.call('GET', `${path}/proxy/a//${planted.code}`);
    const base = `${this.service.production ? this.service.proxy.url : this.service.sandbox.url}/${definition.slug}${apiBasePath}`;
    for (const url of [`${base}/${target}`, `${this.service.proxy.url}/${definition.slug}${apiBasePath}/${target}`]) {
      await this.caller.call('POST', `${path}/sign`, JSON.stringify({ method: 'GET', url }), 'application/json');
    }
  }

  private async failProxied(definition: ProviderDefinition, user: string, wrong: Misbehaviour): Promise<void> {
    const fake = this.service.sandbox.provider(definition.slug);
    fake.misbehave(wrong);
    const { apiPath, apiBasePath = '' } = definition.sandbox;
    const target = apiPath.slice(apiBasePath.length + 1);
    await this.caller.call(
      'POST',
      `/v1/users/${user}/connections/${definition.slug}/proxy/${target}`,
      '{}',
      'application/json',
    );
    fake.behave();
  }

  private async runCallbacks(definition: ProviderDefinition): Promise<void> {
    const callback = `/v1/oauth/${definition.slug}/callback`;
    const denied = await this.caller.start(definition);
    await this.caller.finish(await consent(denied.linkWebUrl, { decision: 'deny' }));
    const forged = await this.caller.approved(definition);
    await this.caller.call('GET', `${forged.pathname}${forged.search}&access_token=${planted.accessToken}`);
    await this.caller.call('GET', `${forged.pathname}${forged.search}&code=${planted.code}`);
    await this.caller.call('GET', `${forged.pathname}${forged.search}`);
    await this.caller.call('GET', `${forged.pathname}${forged.search}`);
    await this.caller.call(
      'GET',
      `${callback}?code=${planted.code}&oauth_verifier=${planted.verifier}&state=${planted.state}`,
    );
    await this.caller.call('GET', `${callback}?error=access_denied&error_description=${planted.errorDescription}`);
    const wrong = await this.caller.approved(definition);
    for (const [name, value] of [
      ['code', planted.code],
      ['oauth_verifier', planted.verifier],
    ] as const) {
      if (wrong.searchParams.has(name)) {
        wrong.searchParams.set(name, value);
      }
    }
    await this.caller.finish(wrong);
    const { state } = await this.caller.start(definition);
    const error = new URLSearchParams({
      state,
      error: planted.providerToken,
      error_description: planted.errorDescription,
    });
    await this.caller.call('GET', `${callback}?${error.toString()}`);
    const form = await this.caller.approved(definition);
    await this.caller.call('POST', callback, form.search.slice(1), 'application/x-www-form-urlencoded');
    await this.caller.call(
      'POST',
      callback,
      JSON.stringify({ code: planted.code, state: planted.state }),
      'application/json',
    );
    await this.caller.call('GET', `${callback}/../%zz?code=${planted.code}`);
  }

  private async failAt(definition: ProviderDefinition, misbehaviour: Misbehaviour): Promise<void> {
    const callback = await this.caller.approved(definition);
    const fake = this.service.sandbox.provider(definition.slug);
    fake.misbehave(misbehaviour);
    await this.caller.finish(callback);
    fake.behave();
  }

  private async failRefresh(definition: ProviderDefinition, misbehaviour: Misbehaviour): Promise<void> {
    const user = await this.caller.link(definition);
    const fake = this.service.sandbox.provider(definition.slug);
    fake.misbehave(misbehaviour);
    const path = `/v1/users/${user}/connections/${definition.slug}`;
    await this.caller.call('POST', `${path}/refresh`);
    fake.behave();
    await this.caller.call('GET', path);
    await this.caller.call('GET', `${path}/token`);
  }

  private async failRevocation(definition: ProviderDefinition, misbehaviour: Misbehaviour): Promise<void> {
    const user = await this.caller.link(definition);
    const fake = this.service.sandbox.provider(definition.slug);
    fake.misbehave(misbehaviour, Infinity);
    await this.caller.call('DELETE', `/v1/users/${user}/connections/${definition.slug}`);
    fake.behave();
  }

  /** Mistakes that nobody foresaw: the database refuses a row, lacks a table, holds bytes that do not open. */
  private async runMistakes(): Promise<void> {
    const user = await this.caller.link(whoopDefinition);
    const callback = await this.caller.approved(whoopDefinition);
    for (const table of ['links', 'connections']) {
      await queryDatabase(
        this.service.databaseUrl,
        `ALTER TABLE ${table} ADD CONSTRAINT broken CHECK (provider <> 'whoop') NOT VALID`,
      );
    }
    await this.caller.finish(callback);
    await this.caller.start(whoopDefinition);
    for (const table of ['links', 'connections']) {
      await queryDatabase(this.service.databaseUrl, `ALTER TABLE ${table} DROP CONSTRAINT broken`);
    }
    const bringBack = await hideTable(this.service.databaseUrl, 'connections');
    await this.caller.call('GET', `/v1/users/${user}/connections`);
    await this.caller.finish(await this.caller.approved(garminDefinition));
    await bringBack();
    await damageSealedTokens(this.service.databaseUrl, user);
    await this.caller.call('GET', `/v1/users/${user}/connections/whoop/token`);
    await this.caller.call('POST', `/v1/users/${user}/connections/whoop/refresh`);
  }

  private async runWithoutPermission(): Promise<void> {
    const path = '/v1/users/user-1/connections/whoop';
    await this.caller.call('GET', path, undefined, undefined, planted.apiKey);
    await this.caller.call('GET', path, undefined, undefined, `${this.service.key.slice(0, -8)}AAAAAAAA`);
    await this.caller.call('GET', `${path}?access_token=${planted.accessToken}`, undefined, undefined, '');
    await this.caller.call(
      'POST',
      `${path}/link`,
      `{"return_url":"https://evil.example/?${planted.code}"}`,
      'application/json',
    );
    await this.caller.call('POST', `${path}/link`, `{"token":"${planted.accessToken}"`, 'application/json');
    await this.caller.call('POST', `${path}/link`, `{"scopes":"${planted.accessToken}"}`, 'application/json');
    await this.caller.call('GET', '/v1/users/%00/connections');
    await this.caller.call('GET', '/nowhere');
  }

  private reachesRevocation(definition: ProviderDefinition): boolean {
    return !this.service.production || definition.revocation?.url.startsWith(`${definition.apiBaseUrl}/`) === true;
  }
}
