import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketSizes } from './packet-limit.ts';

/** A packet with a body of so many bytes, the length as MQTT writes it. */
function packet(body: number): Buffer {
  const length: number[] = [];
  let left = body;
  do {
    const digit = left % 128;
    left = Math.floor(left / 128);
    length.push(left > 0 ? digit | 0x80 : digit);
  } while (left > 0);
  return Buffer.concat([Buffer.from([0x30, ...length]), Buffer.alloc(body, 0xff)]);
}

test('however the bytes are cut, only a packet over the limit is refused', () => {
  const bodies = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 });
  fc.assert(
    fc.property(
      bodies,
      fc.integer({ min: 1, max: 97 }),
      fc.integer({ min: 2, max: 400 }),
      (sizes, cut, limit) => {
        const packets = sizes.map(packet);
        const stream = Buffer.concat(packets);
        const follower = new PacketSizes(limit);
        let accepted = true;
        for (let at = 0; at < stream.length && accepted; at += cut) {
          accepted = follower.accept(stream.subarray(at, at + cut));
        }
        expect(accepted).toBe(packets.every((one) => one.length <= limit));
      },
    ),
  );
});

test('a length of more than four bytes is refused', () => {
  expect(new PacketSizes(1e9).accept(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]))).toBe(false);
});
