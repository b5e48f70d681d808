import { lookup, type LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';

const lookupAll = promisify(lookup);

/** Finds the addresses of a host as the operating system does, all of them. */
@Injectable()
export class HostResolver {
  private readonly underWay = new Map<string, Promise<LookupAddress[]>>();

  /**
   * Returns every IPv4 and IPv6 address of a host; at least one.
   *
   * Simultaneous callers share one lookup. A lookup occupies one of the few threads that Node has for all of them. So a
   * name server that does not respond for one provider does not take every thread (NET-04). Nothing is cached.
   *
   * @param hostname - a name, not an address
   * @throws the resolver's error, such as one with the code `ENOTFOUND`
   */
  resolve(hostname: string): Promise<LookupAddress[]> {
    const known = this.underWay.get(hostname);
    if (known !== undefined) {
      return known;
    }
    const addresses = lookupAll(hostname, { all: true }).finally(() => this.underWay.delete(hostname));
    this.underWay.set(hostname, addresses);
    return addresses;
  }
}
