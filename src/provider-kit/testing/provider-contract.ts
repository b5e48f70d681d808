import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { definitionInForce, isDefaultServer, type ProviderDefinition } from '../definition/provider-definition.js';
import { describeNotifications } from './notification-contract.js';
import { createPlainProvider } from './plain-provider.js';
import { watchPassportClients } from './passport-clients.js';
import { describeSubscriptions } from './subscription-contract.js';
import { describeResponses } from './response-contract.js';
import { describeCallback, describeIssuer } from './callback-contract.js';
import { type CreateProvider, ContractBench } from './contract-bench.js';
import { describeExchange } from './exchange-contract.js';
import { describeIdToken } from './id-token-contract.js';
import { describeRefresh } from './refresh-contract.js';
import { describeRevocation } from './revocation-contract.js';
import { describeStart } from './start-contract.js';
import { describeUse } from './use-contract.js';

/**
 * Runs the contract of every provider: everything that the core relies on, against the provider's fake in the vendor
 * sandbox. The fake's expectations are written by hand from the provider's documentation. So a wrong fact in the
 * definition fails here.
 *
 * @param definition - the provider's facts
 * @param createProvider - wires its strategy and provider as its module does; for a provider with a class of its own
 */
export function describeProviderContract<Definition extends ProviderDefinition>(
  definition: Definition,
  createProvider: CreateProvider<Definition> = (settings, client) => createPlainProvider(definition, settings, client),
): void {
  const servers = Object.entries(definition.oauth === '2.0' ? (definition.servers ?? {}) : {});
  const others = servers.filter(([, facts]) => !isDefaultServer(facts)).map(([name]) => name);
  for (const server of [undefined, ...others]) {
    describeServerContract(definition, server, createProvider);
  }
}

/** The contract at one of the provider's servers, each with a fake of its own where its paths differ. */
function describeServerContract<Definition extends ProviderDefinition>(
  declared: Definition,
  server: string | undefined,
  createProvider: CreateProvider<Definition>,
): void {
  const definition = definitionInForce(declared, { server });
  const describeCases = (): void => {
    const bench = new ContractBench(definition, server, createProvider);
    const passport = watchPassportClients();
    beforeAll(() => passport.start());
    beforeAll(() => bench.start());
    beforeEach(() => bench.fake.behave());
    afterAll(() => bench.stop());
    afterAll(() => passport.stop());

    describeUse(definition);
    describeStart(definition, bench);
    describeCallback(bench);
    describeIssuer(definition, bench);
    describeIdToken(definition, bench);
    describeExchange(definition, bench);
    if (definition.oauth === '2.0' && definition.noRefreshToken !== true) {
      describeRefresh(definition, bench);
    } else {
      it('has nothing to refresh', async () => {
        const refresh = bench.provider().refresh(await bench.link());
        await expect(refresh).rejects.toMatchObject({ code: 'CONNECTION_NOT_REFRESHABLE' });
        expect(definition.oauth === '1.0a' || definition.refresh.rotates === 'never').toBe(true);
      });
    }
    describeRevocation(definition, bench);
    if (definition.notifications !== undefined) {
      const { subscriptions } = definition.notifications;
      describeNotifications(definition.notifications, bench);
      if (subscriptions !== undefined) {
        describeSubscriptions(definition.notifications, subscriptions, bench);
      }
    }
    if (definition.oauth === '2.0') {
      describeResponses(definition, bench.responses());
    }
    // The last one, because it speaks of all the others.
    it("sends nothing through the clients of Passport's strategies", () => {
      expect(passport.watched).toBeGreaterThan(30);
      expect(passport.calls).toEqual([]);
    });
  };
  describe(`contract of ${definition.slug}`, () => {
    if (server === undefined) {
      describeCases();
    } else {
      describe(`at the server ${server}`, describeCases);
    }
  });
}
