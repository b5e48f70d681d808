import { describe, expect, it } from '@jest/globals';
import { networkOf } from './network-of.js';

describe('networkOf', () => {
  it.each([
    ['198.51.100.1', '198.51.100.1'],
    ['2a00:1450:4001:82a:1:2:3:4', '2a00:1450:4001:82a'],
    ['2a00:1450:4001:82a::200e', '2a00:1450:4001:82a'],
    ['2A00:1450:4001:082A:0:0:0:1', '2a00:1450:4001:82a'],
    ['2a00::1', '2a00:0:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::ffff:198.51.100.1', '198.51.100.1'],
    ['0:0:0:0:0:FFFF:c633:6402', '198.51.100.2'],
    ['198.51.100.1:50123', '198.51.100.1'],
    ['[2a00:1450:4001:82a::200e]:50123', '2a00:1450:4001:82a'],
    ['not an address', 'not an address'],
  ])('counts %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('keeps neighbours apart', () => {
    expect(networkOf('2a00:1450:4001:82b::1')).not.toBe(networkOf('2a00:1450:4001:82a::1'));
  });
});
