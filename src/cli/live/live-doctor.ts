import { definitionInForce } from '../../provider-kit/definition/provider-definition.js';
import { Clock } from '../../clock/clock.js';
import { createClient } from '../../provider-kit/client/create-client.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { OutboundPolicy } from '../../provider-kit/http/outbound-policy.js';
import type { OutboundSettings } from '../../provider-kit/http/outbound.config.js';
import type { CatalogueEntry } from '../provider-catalogue.js';
import {
  clockProbe,
  discoveryProbe,
  documentationProbe,
  hostProbe,
  keySetProbe,
  lifecycleProbe,
} from './address-probes.js';
import { authorizationProbe, foreignRedirectProbe, pkceProbe } from './authorization-probes.js';
import { describeError, isDiscovered, unknown, type Observation, type Probe, type ProbeMemory } from './probe.js';
import {
  accountProbe,
  apiProbe,
  randomCodeProbe,
  randomRefreshProbe,
  randomRevocationProbe,
  requestTokenProbe,
  wrongClientProbe,
  wrongSignatureProbe,
} from './token-probes.js';

/** The probes in their order. The probe of hosts comes before all of them, once for each host. */
export const probes: readonly Probe[] = [
  clockProbe,
  discoveryProbe,
  keySetProbe,
  authorizationProbe,
  foreignRedirectProbe,
  pkceProbe,
  wrongClientProbe,
  randomCodeProbe,
  randomRefreshProbe,
  randomRevocationProbe,
  accountProbe,
  apiProbe,
  requestTokenProbe,
  wrongSignatureProbe,
  lifecycleProbe,
  documentationProbe,
];

/** The result of one probe, with the name of the probe. */
export interface ProbeResult extends Observation {
  readonly probe: string;
}

/** The results of one run of a provider's probes. */
export interface LiveReport {
  readonly results: readonly ProbeResult[];
  readonly memory: ProbeMemory;
}

/** How a provider is asked. */
export interface LiveOptions {
  readonly withClient: boolean;
  readonly outbound: OutboundSettings;
  readonly now: () => Date;
  readonly before: ProbeMemory;
}

/**
 * Compares one provider with its definition by probes. No probe has a user, so none can spend or end anything. Every
 * code, token and state is a random value that begins with `cufflink-probe-`.
 *
 * @param entry - the provider, and the settings of this deployment
 * @returns one result for each applicable probe; a failed request is a result too
 */
export async function askProvider(
  { definition: declared, settings }: CatalogueEntry,
  options: LiveOptions,
): Promise<LiveReport> {
  const { withClient, outbound, now, before } = options;
  const definition = definitionInForce(declared, settings);
  const policy = new OutboundPolicy(outbound);
  const urls = Object.values({ ...settings.endpoints })
    .filter((url) => url !== undefined)
    .filter((url) => !isDiscovered(url));
  const origins = [...new Set(urls.map((url) => new URL(url).origin))];
  for (const url of [...urls, ...('issuers' in settings ? settings.issuers : []), definition.docsUrl]) {
    policy.allow(url);
  }
  const http = new ProviderHttpClient(policy);
  const client = createClient(definition, http, new Clock());
  const bench = {
    definition,
    settings,
    http,
    client,
    now,
    withClient,
    before,
    after: {} as { documentation?: string },
  };
  const results: ProbeResult[] = [];
  try {
    for (const probe of [...origins.map(hostProbe), ...probes]) {
      if (probe.applies(bench)) {
        const observation = await probe
          .ask(bench)
          .catch((error: unknown) => unknown(`The request failed: ${describeError(error)}.`));
        results.push({ probe: probe.name, ...observation });
      }
    }
  } finally {
    await http.onApplicationShutdown();
  }
  return { results, memory: { documentation: bench.after.documentation ?? before.documentation } };
}
