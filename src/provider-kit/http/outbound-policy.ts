import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isNativeError } from 'node:util/types';
import { Inject, Injectable } from '@nestjs/common';
import { addressKind, type AddressKind } from './address-kind.js';
import { HostResolver } from './host-resolver.js';
import { outboundConfig, type OutboundSettings } from './outbound.config.js';

/** Code of the error with which {@link OutboundPolicy.lookup} ends a connection that may not be made. */
export const addressRefused = 'ADDRESS_REFUSED';

/**
 * The default without configuration, as in tests of single classes: only this machine can be called.
 */
const onlyThisMachine: OutboundSettings = {
  allowLoopback: true,
  privateHosts: [],
  sandboxHost: undefined,
  proxyUrl: undefined,
};

/**
 * Decides where requests may go: only to allowed origins, and there only to allowed addresses.
 *
 * An origin is allowed when a provider with an endpoint there is registered. All its addresses must be public. Private
 * addresses are allowed for hosts that the operator named, and this machine only by its address. Outside production
 * this machine is always allowed.
 */
@Injectable()
export class OutboundPolicy {
  readonly #origins = new Set<string>();

  constructor(
    @Inject(outboundConfig.KEY) readonly settings: OutboundSettings = onlyThisMachine,
    private readonly resolver: HostResolver = new HostResolver(),
  ) {}

  /**
   * Allows requests to the origin of a URL: its scheme, host and port.
   *
   * @param url - absolute http or https URL, from the configuration and never from a request
   */
  allow(url: string): void {
    this.#origins.add(new URL(url).origin);
  }

  /**
   * Says why a request must not be sent, before anything is resolved (NET-01).
   *
   * @returns a reason without the URL; `undefined` when it may be sent
   */
  findObjection(url: URL): string | undefined {
    const isLocal = this.isLocal(url.hostname);
    if (!isLocal && !this.#origins.has(url.origin)) {
      return 'is not one of the hosts of the configured providers';
    }
    if (url.protocol !== 'https:' && !(isLocal && url.protocol === 'http:')) {
      return 'would be called without TLS';
    }
    if (url.username !== '' || url.password !== '' || url.hash !== '') {
      return 'would be called with a user, a password or a fragment in the URL';
    }
    const address = url.hostname.replace(/^\[|\]$/g, '');
    return isIP(address) !== 0 && !this.mayConnect(url.hostname, address) ? notPublic : undefined;
  }

  /**
   * Resolves a name for a connection. The connection uses one of the addresses that were checked here, so that a second
   * response of the name server changes nothing (NET-02).
   *
   * Ends with an error of the code {@link addressRefused} when any of the addresses is forbidden.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolver.resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => this.mayConnect(hostname, address))) {
          callback(Object.assign(new Error(notPublic), { code: addressRefused }), '');
        } else if (options.all === true) {
          callback(null, ofFamily(addresses, options.family));
        } else {
          const { address, family } = ofFamily(addresses, options.family)[0] ?? first;
          callback(null, address, family);
        }
      },
      (error: unknown) => {
        callback(isNativeError(error) ? error : new Error('The name could not be resolved.'), '');
      },
    );
  };

  /** Classifies an address. Tests override it to have public addresses on this machine. */
  protected kindOf(address: string): AddressKind {
    return addressKind(address);
  }

  private mayConnect(hostname: string, address: string): boolean {
    const isNamed = this.settings.privateHosts.includes(hostname);
    switch (this.kindOf(address)) {
      case 'public':
        return true;
      case 'loopback':
        // Somebody could make a named host resolve to this machine. A written address cannot change.
        return this.isLocal(hostname) || (isNamed && isIP(hostname.replace(/^\[|\]$/g, '')) !== 0);
      case 'private':
        return isNamed || hostname === this.settings.sandboxHost;
      case 'reserved':
        return false;
    }
  }

  /** Whether a host is this machine. A name that only resolves to it does not count: an attacker could arrange that. */
  private isLocal(hostname: string): boolean {
    const { allowLoopback, sandboxHost } = this.settings;
    return allowLoopback && (/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) || hostname === sandboxHost);
  }
}

const notPublic =
  'has an address that is not public. To allow a private network, the operator must add the host to OUTBOUND_PRIVATE_HOSTS';

function ofFamily(addresses: LookupAddress[], family: unknown): LookupAddress[] {
  return family === 4 || family === 6 ? addresses.filter((each) => each.family === family) : addresses;
}
