import { BlockList, isIP } from 'node:net';

/**
 * The use of an IP address: `public` - anybody's server; `private` - a network of the company's own; `loopback` - this
 * machine; `reserved` - no provider can be there. Reserved are link-local addresses (with the metadata service of
 * clouds), multicast, documentation, tunnels, other metadata services of clouds, and texts that are no address.
 */
export type AddressKind = 'public' | 'private' | 'loopback' | 'reserved';

const loopback = blockList(['127.0.0.0/8'], ['::1/128']);
const ownNetworks = blockList(['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'], ['fc00::/7']);
const reserved = blockList(
  [
    '0.0.0.0/8',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
);
/**
 * Metadata services of clouds outside the link-local range, which return secrets to the machines in the cloud: Azure,
 * Alibaba, AWS, Google and Oracle.
 */
const cloudMetadata = blockList(
  ['168.63.129.16/32', '100.100.100.200/32'],
  ['fd00:ec2::254/128', 'fd20:ce::254/128', 'fd00:c1::a9fe:a9fe/128'],
);
/** IPv6 forms of IPv4 addresses in a network without IPv4: NAT64 with DNS64 (RFC 6052 section 2.1). */
const translated = blockList([], ['64:ff9b::/96']);
/** All public servers with IPv6. Mapped and compatible IPv4 addresses are not part of it. */
const globalUnicast = blockList([], ['2000::/3']);
const mappedIpv4 = blockList([], ['::ffff:0:0/96']);

/**
 * Classifies an address from a resolver or a parsed URL.
 *
 * An address of NAT64 is `public` if the IPv4 address in it is, and `reserved` otherwise: the prefix is for public ones
 * only (RFC 6052 section 3.1).
 *
 * @param address - IPv4 in four decimal parts, or IPv6 without brackets; anything else is `reserved`
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
 */
export function addressKind(address: string): AddressKind {
  const version = isIP(address);
  if (version === 0) {
    return 'reserved';
  }
  const family = version === 4 ? 'ipv4' : 'ipv6';
  // Checked first, because a list of IPv4 ranges also matches their mapped forms.
  if (family === 'ipv6' && mappedIpv4.check(address, family)) {
    return 'reserved';
  }
  if (family === 'ipv6' && translated.check(address, family)) {
    return addressKind(lastFourBytes(address)) === 'public' ? 'public' : 'reserved';
  }
  if (cloudMetadata.check(address, family)) {
    return 'reserved';
  }
  if (loopback.check(address, family)) {
    return 'loopback';
  }
  if (ownNetworks.check(address, family)) {
    return 'private';
  }
  const isGlobal = family === 'ipv4' || globalUnicast.check(address, family);
  return isGlobal && !reserved.check(address, family) ? 'public' : 'reserved';
}

/** The IPv4 address in the last 32 bits of an IPv6 address of {@link translated}. */
function lastFourBytes(address: string): string {
  // The parser writes the shortest form: `64:ff9b::` and at most two groups after it.
  const shortest = URL.parse(`http://[${address}]`)?.hostname.slice('[64:ff9b::'.length, -1) ?? '';
  const [low = 0, high = 0] = shortest
    .split(':')
    .map((group) => Number.parseInt(group || '0', 16))
    .reverse();
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

function blockList(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [ranges, family] of [
    [ipv4, 'ipv4'],
    [ipv6, 'ipv6'],
  ] as const) {
    for (const range of ranges) {
      const [network = '', prefix = ''] = range.split('/');
      list.addSubnet(network, Number(prefix), family);
    }
  }
  return list;
}
