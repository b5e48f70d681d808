import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { describeAddress } from './caller-address.js';

const digestWith =
  (key: string) =>
  (network: string): Buffer =>
    createHmac('sha256', key).update(network).digest();

describe('describeAddress', () => {
  it.each([
    ['203.0.113.7', '203.0.113.0/24', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.0/24', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.0/24', '203.0.113.7'],
    ['2001:db8:1:2::3', '2001:db8:1::/48', '2001:db8:1:2::3'],
    ['[2001:db8:1:2::3]:4711', '2001:db8:1::/48', '2001:db8:1:2::3'],
    ['::1', '0:0:0::/48', '::1'],
    ['a made-up text', 'unknown', 'unknown'],
    ['', 'unknown', 'unknown'],
  ])('writes %j as the network %s or as it is (LOG-05)', (sender, prefix, plain) => {
    expect(describeAddress(sender, 'prefix', digestWith('key'))).toBe(prefix);
    expect(describeAddress(sender, 'plain', digestWith('key'))).toBe(plain);
  });

  it('writes a digest that is equal for one network, differs for another, and needs the key (LOG-05)', () => {
    const one = describeAddress('203.0.113.7', 'digest', digestWith('key'));

    expect(one).toMatch(/^digest:[0-9a-f]{24}$/);
    expect(describeAddress('203.0.113.7:4711', 'digest', digestWith('key'))).toBe(one);
    expect(describeAddress('203.0.113.8', 'digest', digestWith('key'))).not.toBe(one);
    expect(describeAddress('203.0.113.7', 'digest', digestWith('another key'))).not.toBe(one);
    expect(describeAddress('2001:db8::1', 'digest', digestWith('key'))).toBe(
      describeAddress('2001:db8::2', 'digest', digestWith('key')),
    );
  });
});
