import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cursor } from '#bus/cursor.ts';
import { RetryableError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import { Unit } from '#store/unit.ts';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import { ScriptedTrust } from '../../../tests/support/scripted-trust.ts';
import { EventTriggers } from './event-triggers.ts';
import { Firings } from './firings.ts';
import { MqttTriggers } from './mqtt-triggers.ts';
import { ScheduleTriggers } from './schedule-triggers.ts';

const never = new AbortController().signal;
const ME = { kind: 'person', id: 'me' } as const;

let rig: EngineRig;
let stops: (() => Promise<void>)[];

async function begin(): Promise<Firings> {
  const { catalog, clock, store, engine } = rig;
  const { runs, ticks } = engine;
  const firings = new Firings({
    catalog,
    clock,
    runs,
    ticks,
    writer: store,
    reader: store.reader,
    log: silentLog,
  });
  await firings.start(never);
  stops.push(() => firings.stop());
  return firings;
}
const emit = (type: string, data: object = {}, more: object = {}): Promise<unknown> =>
  rig.store.commit(
    new Unit().event({
      type,
      subject: '',
      actor: 'system:test',
      time: rig.clock.now(),
      data: JSON.stringify(data),
      ...more,
    }),
  );
const inputs = (workflow: string): Json[] =>
  rig.engine.runs
    .list({ limit: 500, workflow })
    .runs.map((run) => rig.engine.runs.get(run.id).input)
    .reverse();

async function follow(): Promise<{ triggers: EventTriggers; firings: Firings; cursor: Cursor }> {
  const cursor = new Cursor('triggers', { reader: rig.store.reader, writer: rig.store }, rig.clock);
  cursor.open(rig.events.head());
  const firings = await begin();
  const triggers = new EventTriggers(rig.catalog, rig.events, cursor, firings);
  await triggers.start(never);
  stops.push(() => triggers.stop());
  return { triggers, firings, cursor };
}

beforeEach(async () => {
  rig = new EngineRig();
  stops = [];
  await rig.open();
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await rig.close();
});

describe('events', () => {
  const onTest = { type: 'event', event: 'test.happened', input: { n: '{{ trigger.event.data.n }}' } };

  test('start runs, in their order, whose `when` says so', async () => {
    await rig.save({
      name: 'w',
      triggers: [{ ...onTest, when: '{{ trigger.event.data.n > 1 }}' }],
      steps: [act('a')],
    });
    await follow();
    for (const n of [1, 2, 3]) await emit('test.happened', { n });
    await emit('test.other', { n: 9 });
    await rig.settle();
    expect(inputs('w')).toEqual([{ n: 2 }, { n: 3 }]);
    await rig.save({ name: 'v', triggers: [{ type: 'event', event: 'test.*' }], steps: [act('a')] });
    await emit('test.other');
    await rig.settle();
    expect(inputs('v')).toEqual([{}]);
  });

  test('exactly once across a crash, wherever it comes', async () => {
    for (let after = 1; after <= 14; after++) {
      for (const deaf of [false, true]) {
        const own = new EngineRig();
        const before = rig;
        rig = own;
        await own.open();
        await own.save({
          name: 'w',
          triggers: [
            {
              type: 'event',
              event: 'test.happened',
              input: { n: '{{ trigger.event.data.n }}', at: '{{ now() }}' },
            },
          ],
          steps: [act('a')],
        });
        const cursor = new Cursor('triggers', { reader: own.store.reader, writer: own.store }, own.clock);
        cursor.open(0);
        await cursor.advance(1);
        const first = await follow();
        for (const n of [1, 2, 3]) await emit('test.happened', { n });
        await own.settle();
        own.store.dieAfter(after, deaf);
        for (const n of [4, 5]) void emit('test.happened', { n });
        await own.pass(4);
        const there = own.store.rows<{ n: number }>(
          "SELECT count(*) AS n FROM events WHERE type = 'test.happened'",
        )[0]?.n;
        stops.pop();
        void first.triggers.stop();
        await own.crash();
        const second = await follow();
        await own.pass(4);
        expect({ after, deaf, runs: inputs('w').map((input) => (input as { n: number }).n) }).toEqual({
          after,
          deaf,
          runs: [1, 2, 3, 4, 5].slice(0, there),
        });
        expect(own.log().filter((event) => event.type === 'chainbot.workflow.skipped')).toEqual([]);
        stops.pop();
        await second.triggers.stop();
        expect(second.cursor.position()).toBeGreaterThan(1);
        own.drop();
        rig = before;
      }
    }
  });

  test('a workflow is not started by what its own runs do, nor by its not being started', async () => {
    await rig.save(
      {
        name: 'w',
        triggers: ['chainbot.step.*', 'chainbot.workflow.*', 'test.*'].map((event) => ({
          type: 'event',
          event,
        })),
        steps: [act('a')],
      },
      {
        name: 'busy',
        concurrency: { max: 1, on_limit: 'skip' },
        triggers: [
          { type: 'event', event: 'chainbot.workflow.skipped' },
          { type: 'event', event: 'test.go' },
        ],
        steps: [{ id: 'h', type: 'wait', for: '60s' }],
      },
    );
    await follow();
    const id = await rig.start('w');
    await rig.end(id);
    expect(rig.engine.runs.list({ limit: 100, workflow: 'w' }).runs.length).toBe(1);
    await emit('test.done', {}, { actor: `run:${id}` });
    await rig.settle();
    expect(rig.engine.runs.list({ limit: 100, workflow: 'w' }).runs.length).toBe(1);
    await emit('test.go');
    await emit('test.go');
    await rig.settle();
    const skipped = rig.log().filter((event) => event.type === 'chainbot.workflow.skipped');
    expect(skipped.map((event) => event.data.workflow)).toEqual(['busy']);
  });

  test('waits while the engine is busy or the disk is full, and passes nothing by', async () => {
    rig.store.close();
    rig = new EngineRig({ maxLive: 1 });
    await rig.open();
    await rig.save({ name: 'w', triggers: [onTest], steps: [{ id: 'h', type: 'wait', for: '2s' }] });
    const { firings } = await follow();
    for (const n of [1, 2, 3]) await emit('test.happened', { n });
    await rig.settle();
    expect(inputs('w')).toEqual([{ n: 1 }]);
    expect(firings.health()).toMatchObject({ score: 0.5 });
    rig.store.refusals.push(new RetryableError('store.full', 'full'));
    await rig.pass(30);
    expect(inputs('w')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(firings.health().score).toBe(1);
  });

  test('a start that is refused for good is an event', async () => {
    await rig.save({
      name: 'w',
      triggers: [{ type: 'event', event: 'test.happened' }],
      input: { type: 'object', required: ['n'] },
      steps: [act('a')],
    });
    await follow();
    await emit('test.happened');
    await rig.settle();
    const [skipped] = rig.log().filter((event) => event.type === 'chainbot.workflow.skipped');
    expect(skipped).toMatchObject({ subject: 'workflow/w', data: { workflow: 'w', trigger: 'event' } });
  });

  test('a log that cannot be read for a while', async () => {
    await rig.save({ name: 'w', triggers: [onTest], steps: [act('a')] });
    const real = rig.events;
    let broken = true;
    const log = new Proxy(real, {
      get(target, name) {
        if (name === 'after' && broken) {
          return () => {
            throw new RetryableError('store.unreadable', 'no');
          };
        }
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    rig.events = log;
    const { triggers } = await follow();
    await emit('test.happened', { n: 1 });
    await rig.pass(2);
    expect(triggers.health().score).toBe(0.5);
    broken = false;
    await rig.pass(15);
    expect(inputs('w')).toEqual([{ n: 1 }]);
  });
});

describe('mqtt', () => {
  const message = (topic: string, payload: string, retain = false) => ({
    topic,
    payload: Buffer.from(payload),
    retain,
    qos: 1 as const,
  });

  test('starts what matches, with the payload; resolves when the runs are on disk', async () => {
    await rig.save(
      { name: 'w', triggers: [{ type: 'mqtt', topic: 'house/+/report' }], steps: [act('a')] },
      {
        name: 'v',
        triggers: [
          {
            type: 'mqtt',
            topic: 'house/#',
            when: '{{ trigger.payload == "hello" }}',
            input: { text: '{{ trigger.payload }}' },
          },
        ],
        steps: [act('a')],
      },
      {
        name: 's',
        triggers: [{ type: 'mqtt', topic: 'house/x/report' }],
        input: { type: 'object', additionalProperties: false },
        steps: [act('a')],
      },
    );
    const triggers = new MqttTriggers(rig.catalog, await begin());
    triggers.open();
    let changed = 0;
    triggers.onFiltersChanged(() => changed++);
    expect([...triggers.filters()].sort()).toEqual(['house/#', 'house/+/report', 'house/x/report']);
    await triggers.deliver(message('house/x/report', '{"t": 33}'));
    await triggers.deliver(message('house/x', 'hello'));
    await triggers.deliver(message('$SYS/x', 'hello'));
    await triggers.deliver(message('elsewhere', 'hello'));
    expect([inputs('w'), inputs('v'), inputs('s')]).toEqual([[{ t: 33 }], [{ text: 'hello' }], [{}]]);
    await rig.save({ name: 'n', triggers: [{ type: 'mqtt', topic: 'new' }], steps: [act('a')] });
    expect(changed).toBe(1);
    expect(triggers.filters()).toContain('new');
    rig.store.refusals.push(new RetryableError('store.full', 'full'));
    await expect(triggers.deliver(message('new', ''))).rejects.toMatchObject({ code: 'store.full' });
  });
});

describe('schedules', () => {
  const times = (workflow: string): string[] =>
    rig.engine.runs
      .list({ limit: 500, workflow })
      .runs.map((run) => String(run.trigger.scheduled_at))
      .reverse();
  async function keep(timezone = 'UTC'): Promise<ScheduleTriggers> {
    const schedules = new ScheduleTriggers(rig.catalog, await begin(), new ScriptedTrust(), timezone);
    await schedules.start(never);
    stops.push(() => schedules.stop());
    return schedules;
  }
  const minutes = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      await rig.clock.advance(60_000);
      await rig.settle();
    }
  };
  const at = (time: string): void => rig.clock.leap(Date.parse(time) - rig.clock.now());

  test('every five minutes', async () => {
    await rig.save({
      name: 'w',
      triggers: [{ type: 'schedule', cron: '*/5 * * * *', input: { by: '{{ trigger.type }}' } }],
      steps: [act('a')],
    });
    const schedules = await keep();
    await minutes(11);
    expect(times('w')).toEqual(['2026-07-01T10:05:00.000Z', '2026-07-01T10:10:00.000Z']);
    expect(inputs('w')).toEqual([{ by: 'schedule' }, { by: 'schedule' }]);
    expect(schedules.health().score).toBe(1);
    expect(rig.store.rows('SELECT workflow, fired_at FROM triggers')).toEqual([
      { workflow: 'w', fired_at: Date.parse('2026-07-01T10:10:00Z') },
    ]);
  });

  test('in a time zone, over both changes of daylight saving time', async () => {
    const daily = { type: 'schedule', cron: '30 2 * * *', timezone: 'Europe/Berlin' };
    await rig.save({ name: 'w', triggers: [daily], steps: [act('a')] });
    const seen: string[][] = [];
    for (const night of ['2026-03-28T22:00:00Z', '2026-10-24T22:00:00Z']) {
      at(night);
      await keep();
      await minutes(30 * 60);
      seen.push(times('w').filter((time) => time > night));
      await stops.pop()?.();
    }
    // In March 02:30 does not exist and is taken at 03:30 summer time; in October it comes once, not twice.
    expect(seen[0]?.length).toBe(2);
    expect(seen[0]?.at(-1)).toBe('2026-03-30T00:30:00.000Z');
    expect(seen[1]).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  }, 60_000);

  test('a clock set back fires no time twice; set forward, what was missed by more than a minute is passed by', async () => {
    await rig.save({ name: 'w', triggers: [{ type: 'schedule', cron: '0 * * * *' }], steps: [act('a')] });
    at('2026-07-01T10:58:00Z');
    await keep();
    await minutes(3);
    expect(times('w')).toEqual(['2026-07-01T11:00:00.000Z']);
    at('2026-07-01T10:30:00Z');
    await minutes(60);
    expect(times('w')).toEqual(['2026-07-01T11:00:00.000Z']);
    at('2026-07-01T14:30:00Z');
    await minutes(40);
    expect(times('w').slice(1)).toEqual(['2026-07-01T15:00:00.000Z']);
    at('2026-07-01T16:00:20Z');
    await minutes(2);
    expect(times('w').slice(2)).toEqual(['2026-07-01T16:00:00.000Z']);
  });

  test('a workflow that changes, and one that is taken out of use', async () => {
    await rig.save({ name: 'w', triggers: [{ type: 'schedule', cron: '*/5 * * * *' }], steps: [act('a')] });
    await keep();
    await minutes(6);
    await rig.save({ name: 'w', triggers: [{ type: 'schedule', cron: '*/7 * * * *' }], steps: [act('a')] });
    await minutes(9);
    expect(times('w').map((time) => time.slice(14, 16))).toEqual(['05', '07', '14']);
    await rig.catalog.remove('w', ME);
    await minutes(10);
    expect(times('w').length).toBe(3);
  });

  test('a disk that is full for some seconds delays a start, for a minute loses it', async () => {
    await rig.save({ name: 'w', triggers: [{ type: 'schedule', cron: '*/5 * * * *' }], steps: [act('a')] });
    await keep();
    await minutes(4);
    for (let index = 0; index < 3; index++) rig.store.refusals.push(new RetryableError('store.full', 'full'));
    await minutes(2);
    expect(times('w').length).toBe(1);
    for (let index = 0; index < 100; index++)
      rig.store.refusals.push(new RetryableError('store.full', 'full'));
    await minutes(5);
    rig.store.refusals = [];
    await minutes(6);
    expect(times('w').map((time) => time.slice(14, 16))).toEqual(['05', '15']);
    await turn();
  });
});
