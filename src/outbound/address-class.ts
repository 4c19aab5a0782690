import { BlockList, isIPv6 } from 'node:net';

/**
 * Where an address leads. `never`: this machine's unspecified address, link-local (cloud metadata lives
 * there), multicast, broadcast. `local`: loopback, private and other special-purpose networks. Ranges are
 * those of the IANA special-purpose registries (RFC 6890 and its successors).
 */
export type AddressClass = 'never' | 'local' | 'public';

const never = blockList(
  [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
    ['100.100.100.200', 32],
    ['192.0.0.192', 32],
  ],
  [
    ['::', 128],
    ['fe80::', 10],
    ['ff00::', 8],
    ['fd00:ec2::254', 128],
  ],
);

const local = blockList(
  [
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
  ],
  [
    ['2001::', 23],
    ['2001:db8::', 32],
    ['3fff::', 20],
  ],
);

/** Only 2000::/3 is given out for the public internet. */
const globalUnicast = blockList([], [['2000::', 3]]);

/** Class of a resolved address; an IPv4 address inside an IPv6 one counts as what it is. */
export function addressClass(address: string): AddressClass {
  const plain = address.split('%')[0] as string;
  if (!isIPv6(plain)) return ipv4Class(plain);
  if (never.check(plain, 'ipv6')) return 'never';
  const inside = embeddedIpv4(plain);
  if (inside !== undefined) return ipv4Class(inside);
  return local.check(plain, 'ipv6') || !globalUnicast.check(plain, 'ipv6') ? 'local' : 'public';
}

function ipv4Class(address: string): AddressClass {
  if (never.check(address, 'ipv4')) return 'never';
  return local.check(address, 'ipv4') ? 'local' : 'public';
}

/** Loopback, however it is written. */
export function isLoopback(address: string): boolean {
  const plain = address.split('%')[0] as string;
  const inside = isIPv6(plain) ? embeddedIpv4(plain) : plain;
  return inside === undefined ? sameAddress(plain, '::1') : inside.startsWith('127.');
}

/** The same address in another spelling, also IPv4 inside IPv6. */
export function sameAddress(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(address: string): string {
  const plain = address.split('%')[0] as string;
  return isIPv6(plain) ? (embeddedIpv4(plain) ?? ipv6Groups(plain).join(':')) : plain;
}

/**
 * The IPv4 address that an IPv6 address carries: mapped (::ffff:a.b.c.d), compatible (::a.b.c.d), SIIT
 * (::ffff:0:a.b.c.d), NAT64 (64:ff9b::a.b.c.d, RFC 6052) or 6to4 (2002:aabb:ccdd::, RFC 3056).
 */
function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(address);
  const prefix = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':');
  const [high, low] = [groups[6] as number, groups[7] as number];
  if (groups[0] === 0x2002) return dotted(groups[1] as number, groups[2] as number);
  if (prefix === '0:0:0:0:0:0') return high === 0 && low <= 1 ? undefined : dotted(high, low);
  const carries = ['0:0:0:0:0:ffff', '0:0:0:0:ffff:0', '64:ff9b:0:0:0:0'];
  return carries.includes(prefix) ? dotted(high, low) : undefined;
}

const dotted = (high: number, low: number): string =>
  [high >> 8, high & 255, low >> 8, low & 255].map(String).join('.');

/** The eight groups of an IPv6 address; URL turns a dotted tail into hexadecimal. */
function ipv6Groups(address: string): number[] {
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  const right = parse(tail ?? '');
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

type Subnet = readonly [network: string, prefix: number];

function blockList(ipv4: readonly Subnet[], ipv6: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ipv4) list.addSubnet(network, prefix, 'ipv4');
  for (const [network, prefix] of ipv6) list.addSubnet(network, prefix, 'ipv6');
  return list;
}
