import { Inject, Injectable } from '@nestjs/common';
import { HostResolver } from '../provider-kit/http/host-resolver.js';
import { ProviderHttpClient } from '../provider-kit/http/http-client.js';
import { OutboundPolicy } from '../provider-kit/http/outbound-policy.js';
import { outboundConfig, type OutboundConfig } from '../provider-kit/http/outbound.config.js';

/**
 * Decides where deliveries may go (NET-02): only to the origins of endpoints, and there only to public addresses, as
 * for providers. It is separate from the policy for providers, so that no request with a token can go to an endpoint.
 */
@Injectable()
export class WebhookOutboundPolicy extends OutboundPolicy {
  constructor(@Inject(outboundConfig.KEY) settings: OutboundConfig, resolver: HostResolver) {
    super(settings, resolver);
  }

  /** Returns why nothing can be sent to a URL, by the URL itself; `undefined` when it is acceptable. */
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

/** Sends deliveries with the rules for providers: time limits, no redirects, one resolution, verified certificates. */
@Injectable()
export class WebhookHttpClient extends ProviderHttpClient {
  constructor(policy: WebhookOutboundPolicy) {
    super(policy);
  }
}
