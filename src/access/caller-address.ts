import { isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.js';
import { VaultService } from '../vault/vault.service.js';
import { callerAddressConfig, type AddressForm, type CallerAddressConfig } from './caller-address.config.js';
import { networkOf } from './network-of.js';

/** Most texts that are kept for callers that come again. */
const maxKept = 10_000;
/** 96 bits: enough to distinguish addresses, and too short to look like a key in the log. */
const digestBytes = 12;

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The address of the caller for log and audit trail; `undefined` while the key for digests may not be used.
     */
    readonly callerAddress: string | undefined;
  }
}

/** Writes the addresses of callers for the log and the audit trail, as CALLER_ADDRESS says. */
@Injectable()
export class CallerAddresses {
  private readonly texts = new Map<string, string>();

  constructor(
    private readonly vault: VaultService,
    @Inject(callerAddressConfig.KEY) private readonly config: CallerAddressConfig,
  ) {}

  /** Gives every request its `callerAddress`, which is computed when it is read. */
  install(fastify: FastifyInstance): void {
    const describe = (sender: string): string | undefined => this.describe(sender);
    fastify.decorateRequest('callerAddress', {
      getter(this: FastifyRequest) {
        return describe(this.ip);
      },
    });
  }

  /**
   * Returns the text for one address.
   *
   * @param sender - `request.ip`
   * @returns equal for equal networks; `undefined` while the key for digests may not be used
   */
  describe(sender: string): string | undefined {
    const kept = this.texts.get(sender);
    if (kept !== undefined) {
      return kept;
    }
    try {
      const digest = (network: string): Buffer => this.vault.digest('access.address', [network]);
      const text = describeAddress(sender, this.config.form, digest);
      if (this.texts.size >= maxKept) {
        this.texts.clear();
      }
      this.texts.set(sender, text);
      return text;
    } catch (error) {
      if (error instanceof AppError) {
        return undefined;
      }
      throw error;
    }
  }
}

/**
 * Writes an address in one of three forms: as a keyed digest, as a network, or as it is. The digest covers the IPv4
 * address or the /64 network. The network has a /24 or /48 prefix.
 *
 * @param sender - from the connection or a trusted proxy
 * @param digest - keyed
 */
export function describeAddress(sender: string, form: AddressForm, digest: (network: string) => Buffer): string {
  const network = networkOf(sender);
  if (form === 'digest') {
    return `digest:${digest(network).subarray(0, digestBytes).toString('hex')}`;
  }
  const isV4 = isIP(network) === 4;
  const plain = isV4 ? network : sender.replace(/^\[(.*)\](?::\d+)?$/, '$1');
  if (isIP(plain) === 0) {
    return 'unknown';
  }
  if (form === 'plain') {
    return plain;
  }
  return isV4 ? `${network.split('.').slice(0, 3).join('.')}.0/24` : `${network.split(':').slice(0, 3).join(':')}::/48`;
}
