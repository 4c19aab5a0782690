import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './core/clock.ts';

/** When a start is over and its garbage can go. */
const AFTER_MS = 10_000;

/**
 * Gives back what only the start needed (parsed definitions, schemas' making, compiled code that runs once):
 * about 15 MiB, which V8 would keep for as long as nothing else wants it. One collection, some 50 ms, once.
 */
export function settleMemory(clock: Pick<Clock, 'after'>): Disposable {
  return clock.after(AFTER_MS, () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (how: {
      type: string;
      execution: string;
      flavor: string;
    }) => void;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  });
}
