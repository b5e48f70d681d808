import { isIPv6 } from 'node:net';

/**
 * Returns an IPv4 address as it is, also one that is written as IPv6. Of an IPv6 address it returns the /64 network,
 * because each subscriber has all addresses of such a network.
 */
export function networkOf(sender: string): string {
  // Some proxies name the port too, and that changes with every connection.
  const address = sender.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1').replace(/^\[(.*)\](?::\d+)?$/, '$1');
  if (!isIPv6(address)) {
    return address;
  }
  // The URL parser writes every spelling in the same way, and shortens runs of zeros.
  const text = new URL(`http://[${address.split('%', 1)[0] ?? ''}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text);
  if (mapped !== null) {
    return mapped.slice(1).map(toTwoParts).join('.');
  }
  const [head = '', tail] = text.split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = tail === undefined ? 0 : 8 - (before?.length ?? 0) - (after?.length ?? 0);
  return [...(before ?? []), ...Array.from({ length: zeros }, () => '0'), ...(after ?? [])].slice(0, 4).join(':');
}

/** Returns two parts of an IPv4 address from the hexadecimal group that holds them. */
function toTwoParts(group: string): string {
  const bits = parseInt(group, 16);
  return `${bits >> 8}.${bits & 0xff}`;
}
