import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { TriggerRig } from '../../../tests/support/trigger-rig.ts';

const onTest = { type: 'event', event: 'test.happened' };

let rig: TriggerRig;

beforeEach(async () => {
  rig = await new TriggerRig().open();
});
afterEach(() => rig.close());

const emit = (n: number): Promise<void> => rig.emit('test.happened', { n });
const seen = (workflow = 'w') =>
  rig.fired(workflow).map((trigger) => ({
    n: (trigger.event as { data: { n: number } }).data.n,
    of: trigger.debounced,
  }));

describe('debounce', () => {
  test('waits until nothing more comes, then one run for all of it, with the newest', async () => {
    await rig.save('w', [{ ...onTest, debounce: '5s' }]);
    for (const n of [1, 2, 3]) {
      await emit(n);
      await rig.pass(3);
    }
    expect(seen()).toEqual([]);
    expect(rig.status('w')?.pending).toBe(rig.rig.clock.now() + 2000);
    await rig.pass(3);
    expect(seen()).toEqual([{ n: 3, of: 3 }]);
    expect(rig.status('w')).toMatchObject({ pending: null, lastFired: expect.any(Number) });
    await emit(4);
    await rig.pass(6);
    expect(seen()).toEqual([
      { n: 3, of: 3 },
      { n: 4, of: 1 },
    ]);
    expect(rig.rig.store.rows('SELECT * FROM pending_firings')).toEqual([]);
  });

  test('what never pauses is passed on at `max`', async () => {
    await rig.save('w', [{ ...onTest, debounce: { for: '5s', max: '11s' } }]);
    for (let n = 1; n <= 8; n++) {
      await emit(n);
      await rig.pass(3);
    }
    await rig.pass(12);
    expect(seen()).toEqual([
      { n: 4, of: 4 },
      { n: 8, of: 4 },
    ]);
  });

  test('a firing that waits is not lost by a crash, wherever it comes, and starts one run', async () => {
    for (let units = 0; units < 10; units++) {
      for (const deaf of [true, false]) {
        const own = await new TriggerRig().open();
        await own.save('w', [{ ...onTest, debounce: '5s' }]);
        await own.emit('test.happened', { n: 1 });
        await own.pass(2);
        own.rig.store.dieAfter(units, deaf);
        await own.pass(20);
        await own.crash();
        await own.pass(20);
        expect({ units, deaf, runs: own.fired('w').length }).toEqual({ units, deaf, runs: 1 });
        await own.crash();
        await own.pass(20);
        expect(own.fired('w').length).toBe(1);
        own.rig.drop();
      }
    }
  }, 60_000);

  test('goes on by the tick clock: a clock that is set in between changes nothing', async () => {
    await rig.save('w', [{ ...onTest, debounce: '60s' }]);
    await emit(1);
    rig.rig.clock.leap(10 * 365 * 86_400_000);
    await rig.pass(30);
    expect(seen()).toEqual([]);
    await rig.away(10_000);
    await rig.pass(15);
    expect(seen()).toEqual([]);
    await rig.pass(10);
    expect(seen()).toEqual([{ n: 1, of: 1 }]);
  });

  test('is for nothing when the trigger waits for something else now', async () => {
    await rig.save('w', [{ ...onTest, debounce: '5s' }]);
    await emit(1);
    await rig.save('w', [{ type: 'event', event: 'test.other', debounce: '5s' }]);
    await rig.pass(10);
    expect(seen()).toEqual([]);
    expect(rig.rig.store.rows('SELECT * FROM pending_firings')).toEqual([]);
  });

  test('waits out a full disk', async () => {
    await rig.save('w', [{ ...onTest, debounce: '2s' }]);
    await emit(1);
    for (let index = 0; index < 3; index++)
      rig.rig.store.refusals.push(new RetryableError('store.full', 'full'));
    await rig.pass(3);
    expect(rig.triggers.firings.health().score).toBe(0.5);
    await rig.pass(10);
    expect(seen()).toEqual([{ n: 1, of: 1 }]);
    expect(rig.triggers.firings.health().score).toBe(1);
  });
});

describe('throttle', () => {
  test('lets one through, then none for so long; over a restart too', async () => {
    await rig.save('w', [{ ...onTest, throttle: '60s' }]);
    for (const n of [1, 2, 3]) {
      await emit(n);
      await rig.pass(10);
    }
    await rig.away(10_000);
    await emit(4);
    expect(seen().map(({ n }) => n)).toEqual([1]);
    await rig.pass(25);
    await emit(5);
    await emit(6);
    expect(seen().map(({ n }) => n)).toEqual([1, 5]);
  });

  test('messages at the same moment are one', async () => {
    await rig.save('w', [{ type: 'mqtt', topic: 't', throttle: '5s' }]);
    const message = { topic: 't', payload: Buffer.from('x'), qos: 1 as const, retain: false };
    await Promise.all([1, 2, 3].map(() => rig.triggers.mqtt.deliver(message)));
    expect(rig.fired('w').length).toBe(1);
  });
});

test('a trigger that is switched off starts nothing, and another of its workflow does', async () => {
  await rig.save('w', [
    { ...onTest, enabled: false },
    { type: 'event', event: 'test.other', enabled: true },
  ]);
  await emit(1);
  await rig.emit('test.other', { n: 2 });
  expect(seen().map(({ n }) => n)).toEqual([2]);
  expect([rig.status('w', 0)?.enabled, rig.status('w', 1)?.enabled]).toEqual([false, true]);
});

test('a `when` that can not be evaluated is told', async () => {
  await rig.save('w', [{ ...onTest, when: '{{ trigger.event.data.missing > 1 }}' }]);
  await emit(1);
  expect(rig.skipped()[0]).toContain('missing');
});

describe('the end of a run', () => {
  const failing = { steps: [{ id: 'a', type: 'act', fail: true }] };

  test('starts what waits for it, with how it ended', async () => {
    await rig.save('backup', [], failing);
    await rig.save('fine', []);
    await rig.save('tell', [
      { type: 'run', workflow: 'backup', status: ['failed'] },
      { type: 'run', workflow: 'fine', status: ['failed', 'cancelled'] },
    ]);
    await rig.save('all', [{ type: 'run', workflow: 'fine' }]);
    const failed = await rig.rig.start('backup');
    const fine = await rig.rig.start('fine');
    await rig.rig.settle();
    expect(rig.fired('tell')).toMatchObject([
      {
        type: 'run',
        run: { id: failed, workflow: 'backup', status: 'failed', error: { code: 'act.failed' } },
      },
    ]);
    expect(rig.fired('all')).toMatchObject([{ run: { id: fine, status: 'completed' } }]);
  });
});

test('startup: once each time the daemon starts, not when it is stored', async () => {
  await rig.save('w', [{ type: 'startup' }]);
  expect(rig.fired('w')).toEqual([]);
  await rig.away(1000);
  expect(rig.fired('w')).toEqual([{ type: 'startup', clean_stop: true }]);
  await rig.crash();
  expect(rig.fired('w').length).toBe(2);
});
