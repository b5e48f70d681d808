import { Inject, Injectable } from '@nestjs/common';
import { HostResolver } from '../provider-kit/http/host-resolver.js';
import { ProviderHttpClient } from '../provider-kit/http/http-client.js';
import { OutboundPolicy } from '../provider-kit/http/outbound-policy.js';
import { outboundConfig, type OutboundConfig } from '../provider-kit/http/outbound.config.js';

/**
 * Where deliveries may go (NET-02): to the origins of endpoints, and there only to public addresses, as for providers.
 * Apart from the policy for providers, so that an endpoint opens no way for a token.
 */
@Injectable()
export class WebhookOutboundPolicy extends OutboundPolicy {
  constructor(@Inject(outboundConfig.KEY) settings: OutboundConfig, resolver: HostResolver) {
    super(settings, resolver);
  }

  /** Says why nothing can be sent to a URL, as far as the URL itself tells; `undefined` when something can. */
  check(url: string): string | undefined {
    if (!URL.canParse(url)) {
      return 'is not a valid URL';
    }
    if (!/^https?:$/.test(new URL(url).protocol)) {
      return 'is not an https URL';
    }
    this.allow(url);
    return this.findObjection(new URL(url));
  }
}

/** Sends deliveries: time limits, no redirects, one resolution, verified certificates, as for providers. */
@Injectable()
export class WebhookHttpClient extends ProviderHttpClient {
  constructor(policy: WebhookOutboundPolicy) {
    super(policy);
  }
}
