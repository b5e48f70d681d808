import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Param, Query } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Public } from '../../src/access/access.decorators.js';
import { AnyQuery } from '../../src/http/request-rules.decorators.js';
import { AuthorizationFailedError } from '../../src/errors/authorization.errors.js';
import type { CallbackArrival, CallbackOutcome } from '../../src/links/callback/callback-outcome.js';
import type { CallbackReading } from '../../src/links/callback/callback-parameters.js';
import { LinksService } from '../../src/links/links.service.js';
import type { CallbackParameters } from '../../src/provider-kit/handshake.js';
import type { HealthProvider } from '../../src/provider-kit/health-provider.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { TokenResponse } from '../../src/provider-kit/token-response.js';
import type { TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { calls, expectNoConnection, sendCallback, startReplica, useObserved } from '../support/observed-application.js';
import { approvedLink, linkAccount, newUser, startLink } from '../support/linking.js';

let application: TestApplication;

useObserved((observed) => ({ application } = observed));

/** Each attack against the program, and against one that lacks the defence: there it succeeds. */
describe('a hostile callback', () => {
  const started = 'link.started success api-key';

  describe('with an access token of the attacker instead of a code (AR-12)', () => {
    /**
     * The token that the attacker has at the provider, and the callback that brings it into the link of another user.
     */
    async function prepare(): Promise<{ user: string; state: string; token: string }> {
      const attacker = newUser();
      await linkAccount(application, attacker, 'whoop', { account: '666' });
      const token = await issuedTokenOf(attacker);
      const user = newUser();
      const { state } = await startLink(application, user, 'whoop');
      return { user, state, token };
    }

    async function issuedTokenOf(user: string): Promise<string> {
      const response = await application.api.get(`/v1/users/${user}/connections/whoop/token`).expect(200);
      return (response.body as { access_token: string }).access_token;
    }

    it('connects nothing', async () => {
      const { user, state, token } = await prepare();

      const path = `/v1/oauth/whoop/callback?state=${state}&access_token=${encodeURIComponent(token)}`;
      expect(await sendCallback(application, path)).toEqual({ status: 400, code: 'REQUEST_INVALID' });

      await expectNoConnection(application, user, 'whoop');
      expect(await auditEntriesOf(application, user)).toEqual([started, 'link.failed failed browser REQUEST_INVALID']);
    });

    it('with the defense off (tokens are taken from the query) connects the account of the attacker', async () => {
      const { user, state, token } = await prepare();
      const lax = await startReplica(application, {
        modules: [LaxCallbacks],
        override: (builder) => builder.overrideProvider(ProviderRegistry).useClass(ImplicitFlowRegistry),
      });
      try {
        await lax.browser
          .get(`/v1/lax/oauth/whoop/callback?state=${state}&access_token=${encodeURIComponent(token)}`)
          .expect(200);
      } finally {
        await lax.close();
      }

      expect(await issuedTokenOf(user)).toBe(token);
      expect(await auditEntriesOf(application, user)).toContain('link.completed success browser');
    });
  });

  describe('with an error and a description that the attacker wrote (AR-13)', () => {
    const description = '<script>alert(1)</script> Call 0900-EVIL to connect again';
    const query = new URLSearchParams({ error: 'server_error', error_description: description });

    it('shows none of it, and ends only the link of its state', async () => {
      const user = newUser();
      const { state } = await startLink(application, user, 'whoop');
      const forged = await application.browser.get(`/v1/oauth/whoop/callback?${query.toString()}`).expect(403);
      expect(await auditEntriesOf(application, user)).toEqual([started]);
      const known = await application.browser.get(`/v1/oauth/whoop/callback?${query.toString()}&state=${state}`);

      expect(forged.text + known.text).not.toMatch(/script|EVIL/);
      expect(forged.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
      expect(known.body).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
      expect(await auditEntriesOf(application, user)).toEqual([
        started,
        'link.failed failed browser PROVIDER_UNAVAILABLE',
      ]);
    });

    it("with the defense off (errors are read before the state, and passed on) shows the attacker's text", async () => {
      const talkative = await startReplica(application, {
        modules: [LaxCallbacks],
        override: (builder) => builder.overrideProvider(LinksService).useClass(TalkativeLinks),
      });
      try {
        const response = await talkative.browser.get(`/v1/lax/oauth/whoop/callback?${query.toString()}`);

        expect((response.body as { detail: string }).detail).toContain(description);
      } finally {
        await talkative.close();
      }
    });
  });

  describe('with parameters that can be read in two ways (AR-14)', () => {
    const code = 'code=1';
    it.each([
      ['a repeated state', (state: string) => `${code}&state=${state}&state=${state}`],
      ['a code and an error', (state: string) => `${code}&error=access_denied&state=${state}`],
    ])('(%s) is refused, and redeems nothing', async (_what, toQuery) => {
      const { user, state } = await approvedLink(application, 'whoop');
      const before = calls(application, 'whoop');

      const path = `/v1/oauth/whoop/callback?${toQuery(state)}`;
      expect(await sendCallback(application, path)).toEqual({ status: 400, code: 'REQUEST_INVALID' });

      expect(await auditEntriesOf(application, user)).toEqual([started, 'link.failed failed browser REQUEST_INVALID']);
      expect(calls(application, 'whoop')).toBe(before);
    });

    it('with the defense off (the query as the framework reads it) ends in a 500', async () => {
      const { state } = await approvedLink(application, 'whoop');
      const lax = await startReplica(application, { modules: [LaxCallbacks] });
      try {
        const path = `/v1/lax/oauth/whoop/callback?${code}&state=${state}&state=${state}`;
        expect((await sendCallback(lax, path)).status).toBe(500);
      } finally {
        await lax.close();
      }
    });
  });
});

/** A callback that takes its parameters as the framework reads them. */
@Controller('v1/lax/oauth/:provider/callback')
class LaxCallbackController {
  constructor(private readonly modules: ModuleRef) {}

  @Get()
  @Public()
  @AnyQuery()
  async finish(@Param('provider') slug: string, @Query() query: CallbackParameters): Promise<object> {
    const arrival: CallbackArrival = {
      byForm: false,
      requester: { actor: 'browser' },
      findSecret: () => undefined,
    };
    const reading = { parameters: query, refusal: undefined };
    const outcome = await this.modules.get(LinksService, { strict: false }).finish(slug, reading, arrival);
    if (outcome.kind === 'failed') {
      throw outcome.error;
    }
    return { success: true };
  }
}

@Module({ controllers: [LaxCallbackController] })
class LaxCallbacks {}

/** Takes a token from the callback as if the token endpoint had given it. */
class ImplicitFlowRegistry extends ProviderRegistry {
  override get(slug: string): HealthProvider {
    const provider = super.get(slug);
    const complete: HealthProvider['complete'] = ({ access_token: accessToken = '' }) =>
      Promise.resolve(new TokenResponse({ accessToken, requestedAt: new Date() }));
    return Object.create(provider, { complete: { value: complete } }) as HealthProvider;
  }
}

class TalkativeLinks extends LinksService {
  override async finish(slug: string, reading: CallbackReading, arrival: CallbackArrival): Promise<CallbackOutcome> {
    if (reading.parameters['error'] !== undefined) {
      throw new AuthorizationFailedError(`The provider says: ${reading.parameters['error_description'] ?? ''}`);
    }
    return super.finish(slug, reading, arrival);
  }
}
