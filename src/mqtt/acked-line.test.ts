import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AckedLine, type OnItsWay } from './acked-line.ts';

test('the position is always the last one before the first hole', () => {
  const plan = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 60 });
  fc.assert(
    fc.property(plan, (events) => {
      const line = new AckedLine(0);
      const open: OnItsWay[] = [];
      const expected = (): number => (open.length === 0 ? seq : Math.min(...open.map((one) => one.seq)) - 1);
      let seq = 0;
      for (const [excluded, pick] of events) {
        seq++;
        if (excluded) line.skip(seq);
        else open.push(line.begin(seq));
        if (pick % 3 === 0 && open.length > 0) {
          const [one] = open.splice(pick % open.length, 1);
          line.settle(one as OnItsWay);
        }
        expect(line.position).toBe(expected());
      }
    }),
  );
});

test('after a restart it begins again where it was', () => {
  const line = new AckedLine(5);
  const sixth = line.begin(6);
  line.begin(7);
  line.settle(sixth);
  line.restart();
  expect(line.position).toBe(6);
  line.settle(line.begin(7));
  expect(line.position).toBe(7);
});
