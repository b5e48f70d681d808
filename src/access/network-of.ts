import { isIPv6 } from 'node:net';

/** An IPv4 address, or the /64 network of an IPv6 one: each subscriber has all addresses of such a network. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) {
    return address;
  }
  // The URL parser writes every spelling in the same way, and shortens runs of zeros.
  const [head = '', tail] = new URL(`http://[${address.split('%', 1)[0] ?? ''}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = tail === undefined ? 0 : 8 - (before?.length ?? 0) - (after?.length ?? 0);
  return [...(before ?? []), ...Array.from({ length: zeros }, () => '0'), ...(after ?? [])].slice(0, 4).join(':');
}
