import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { AddressGuard } from './address-guard.ts';

const guard = new AddressGuard({
  allowHosts: ['NAS.lan.', '*.home.arpa', '[fd00::7]'],
  listening: () => [{ address: '127.0.0.1', port: 8000 }],
});
const judge = (host: string, address: string, isLiteral = false, port = 80) =>
  guard.allowed({ host, port, isLiteral }, [{ address }]);
const refused = expect.objectContaining({ code: 'http.address_refused' });

describe('the address guard', () => {
  it('lets the owner reach the LAN and this machine', () => {
    expect(judge('pi', '192.168.1.2', true)).toHaveLength(1);
    expect(judge('localhost', '127.0.0.1', true)).toHaveLength(1);
  });

  it('lets data reach only what is public or allowed', () => {
    expect(judge('example.org', '93.184.216.34')).toHaveLength(1);
    expect(judge('nas.lan', '192.168.1.9')).toHaveLength(1);
    expect(judge('cam.home.arpa', '10.0.0.4')).toHaveLength(1);
    expect(judge('fd00::7', 'fd00::7')).toHaveLength(1);
    expect(() => judge('rebind.example', '127.0.0.1')).toThrow(refused);
    expect(() => judge('home.arpa', '10.0.0.4')).toThrow(refused);
    expect(() => judge('evilnas.lan', '10.0.0.4')).toThrow(/not public/);
  });

  it('lets nobody reach link-local, metadata or this daemon', () => {
    expect(() => judge('x', '169.254.169.254', true)).toThrow(refused);
    expect(() => judge('nas.lan', 'fe80::1')).toThrow(refused);
    expect(() => judge('x', '127.0.0.1', true, 8000)).toThrow(/this daemon itself/);
    expect(() => judge('x', '::ffff:127.0.0.1', true, 8000)).toThrow(refused);
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])[0];
    if (own) expect(() => judge('x', own.address, true, 8000)).toThrow(refused);
    expect(judge('x', '192.0.2.77', true, 8000)).toHaveLength(1);
  });

  it('keeps the good ones of several addresses, and says why when none is', () => {
    const to = { host: 'both.example', port: 80, isLiteral: false };
    expect(guard.allowed(to, [{ address: '10.0.0.1' }, { address: '1.1.1.1' }])).toEqual([
      { address: '1.1.1.1' },
    ]);
    expect(() => guard.allowed(to, [])).toThrow(/has no address/);
    expect(() => judge('x', '10.0.0.1')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('allow_hosts') }),
    );
    expect(() => judge('x', '224.0.0.1', true)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('never') }),
    );
  });
});
