import { describe, expect, it } from 'vitest';
import { addressClass, isLoopback, sameAddress } from './address-class.ts';

describe('the class of an address', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::169.254.169.254',
    '::ffff:0:169.254.169.254',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '0:0:0:0:0:ffff:0.0.0.0',
  ])('%s is never reached', (address) => {
    expect(addressClass(address)).toBe('never');
  });

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.20',
    '100.64.0.1',
    '198.18.0.1',
    '203.0.113.9',
    '::1',
    'fc00::1',
    'fd12:3456::1',
    'fec0::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '64:ff9b:1::1',
    '::ffff:127.0.0.1',
    '::ffff:c0a8:0114',
    '::7f00:1',
    '64:ff9b::10.0.0.1',
    '2002:7f00:1::',
  ])('%s is local', (address) => {
    expect(addressClass(address)).toBe('local');
  });

  it.each([
    '1.1.1.1',
    '172.32.0.1',
    '192.0.1.1',
    '2606:4700::1111',
    '2a00:1450::1',
    '::ffff:1.1.1.1',
    '2002:101:101::1',
  ])('%s is public', (address) => {
    expect(addressClass(address)).toBe('public');
  });

  it('knows loopback and equal addresses in every spelling', () => {
    expect(['127.0.0.1', '127.1.1.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(
      true,
    );
    expect(['10.0.0.1', '::2', '::ffff:10.0.0.1'].some(isLoopback)).toBe(false);
    expect(sameAddress('fe80::1%eth0', 'FE80:0::1')).toBe(true);
    expect(sameAddress('::ffff:10.0.0.1', '10.0.0.1')).toBe(true);
    expect(sameAddress('10.0.0.2', '10.0.0.1')).toBe(false);
  });
});
