import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueHeap } from './due-heap.ts';

test('what is due comes out in order, whatever the order it went in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1000 })),
      fc.integer({ min: 0, max: 1000 }),
      (dues, now) => {
        const heap = new DueHeap<number>();
        for (const due of dues) heap.push(due, due);
        const out: number[] = [];
        for (let one = heap.popDue(now); one !== undefined; one = heap.popDue(now)) out.push(one);
        expect(out).toEqual(dues.filter((due) => due <= now).sort((a, b) => a - b));
        expect(heap.size).toBe(dues.length - out.length);
        const left = dues.filter((due) => due > now);
        expect(heap.next).toBe(left.length === 0 ? undefined : Math.min(...left));
      },
    ),
  );
});
