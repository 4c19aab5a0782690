import { beforeEach, expect, test } from 'vitest';
import type { Clock } from '#core/clock.ts';
import { silentLog } from '#core/log.ts';
import { ClashWatch } from './clash-watch.ts';
import { OwnTopics } from './topics.ts';

/** Time that the test moves. */
class HandClock implements Clock {
  #now = 0;
  readonly #timers = new Map<() => void, number>();
  now = (): number => this.#now;
  monotonic = (): number => this.#now;
  after(ms: number, fire: () => void): Disposable {
    this.#timers.set(fire, this.#now + ms);
    return { [Symbol.dispose]: () => this.#timers.delete(fire) };
  }
  move(ms: number): void {
    this.#now += ms;
    for (const [fire, at] of [...this.#timers]) {
      if (at > this.#now) continue;
      this.#timers.delete(fire);
      fire();
    }
  }
}

let clock: HandClock;
let announced: number;
let clashes: string[];
let watch: ClashWatch;

beforeEach(() => {
  clock = new HandClock();
  announced = 0;
  clashes = [];
  watch = new ClashWatch({
    deviceId: 'me',
    topics: new OwnTopics('base'),
    clock,
    log: silentLog,
    announce: async () => {
      announced++;
      throw new Error('offline');
    },
    onClash: (other) => clashes.push(other),
  });
});

const hear = (topic: string, text: string, retain = false): void =>
  watch.heard({ topic, payload: Buffer.from(text), qos: 1, retain });

test('our own id, a retained id and rubbish are no clash', () => {
  hear('base/bridge/device', '{"device":"me"}');
  hear('base/bridge/device', '{"device":"old"}', true);
  hear('base/bridge/device', 'rubbish');
  hear('base/bridge/device', '"text"');
  hear('base/bridge/device', 'x'.repeat(5000));
  expect(clashes).toEqual([]);
  expect(watch.health().score).toBe(1);
});

test('a clash is said once, answered with a pause, and over after silence', () => {
  hear('base/bridge/device', '{"device":"other"}');
  hear('base/bridge/device', '{"device":"other"}');
  expect(clashes).toEqual(['other']);
  expect(announced).toBe(1);
  expect(watch.health()).toMatchObject({ score: 0.4, reasons: [expect.stringContaining('other')] });
  clock.move(60_000);
  expect(announced).toBe(2);
  expect(watch.health().score).toBe(0.4);
  clock.move(60_000);
  clock.move(60_000);
  expect(watch.health().score).toBe(1);
  hear('base/bridge/device', '{"device":"other"}');
  expect(clashes).toEqual(['other', 'other']);
  watch.stop();
});

test('somebody else saying offline for us is answered', () => {
  hear('base/bridge/state', '{"state":"offline"}', true);
  hear('base/bridge/state', '{"state":"online"}');
  expect(announced).toBe(0);
  hear('base/bridge/state', '{"state":"offline"}');
  expect(announced).toBe(1);
});
