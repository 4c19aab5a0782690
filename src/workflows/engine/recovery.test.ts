import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';

const ME = { kind: 'person', id: 'me' } as const;
const never = new AbortController().signal;
const wait = (id: string, more: object) => ({ id, type: 'wait', ...more });

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig();
  await rig.open();
});
afterEach(() => rig.close());

async function started(steps: object[], more = {}): Promise<string> {
  await rig.save({ name: 'w', steps, ...more });
  const id = await rig.start('w');
  await rig.settle();
  return id;
}
/** Stops in order and starts again. */
async function restart(): Promise<void> {
  await rig.engine.stop();
  await rig.crash();
}

describe('a clean stop', () => {
  test('lets a step under way end and keeps its result; the next one has not begun', async () => {
    const id = await started([act('a', { ms: 50 }), act('b', { on_interrupt: 'fail' })]);
    const stopped = rig.engine.stop();
    await rig.settle();
    await rig.clock.advance(50);
    await stopped;
    expect(rig.engine.runs.get(id).steps.map((step) => [step.path, step.status])).toEqual([
      ['a', 'completed'],
    ]);
    await rig.crash();
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.effects.map((effect) => effect.path)).toEqual(['a', 'b']);
  });

  test('waits for the intent of a step that is on its way, and for the step', async () => {
    const id = await started([wait('h', { for: '1s' }), act('b', { on_interrupt: 'fail' })]);
    rig.store.frozen = true;
    await rig.clock.advance(1000);
    await rig.settle();
    const stopped = rig.engine.stop();
    await rig.settle();
    rig.store.frozen = false;
    await stopped;
    await rig.crash();
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.effects.length).toBe(1);
  });

  test('what takes longer than the grace is interrupted, and told so', async () => {
    const id = await started([act('a', { ms: 60_000, on_interrupt: 'fail' })]);
    await restart();
    const run = await rig.end(id);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'step.interrupted' } });
    expect(rig.typesOf(id)).toContain('workflow.recovered');
    await started([act('a', { ms: 2000 }), act('b')]);
  });

  test('nobody resumes a run while the daemon stops, and nothing starts', async () => {
    const id = await started([act('a', { ms: 1000 }), act('b')]);
    await rig.engine.runs.pause(id, ME);
    const stopped = rig.engine.stop();
    await rig.engine.runs.resume(id, ME);
    await expect(rig.engine.runs.start({ workflow: 'w', actor: ME })).rejects.toMatchObject({
      code: 'engine.busy',
    });
    await rig.clock.advance(1000);
    await stopped;
    expect(rig.effects.map((effect) => effect.path)).toEqual(['a']);
    await rig.crash();
    expect((await rig.end(id)).status).toBe('completed');
  });

  test('queued runs are still queued', async () => {
    await rig.save({ name: 'q', concurrency: 1, steps: [wait('h', { for: '2s' })] });
    const ids = [await rig.start('q'), await rig.start('q'), await rig.start('q')];
    await restart();
    expect(ids.map((id) => rig.statusInDatabase(id))).toEqual(['waiting', 'queued', 'queued']);
    await rig.pass(10);
    expect(ids.map((id) => rig.statusInDatabase(id))).toEqual(['completed', 'completed', 'completed']);
  });
});

describe('after a crash', () => {
  test('a wait counts on, over the time away, from the first minute on', async () => {
    const id = await started([wait('h', { for: '10m' })]);
    await rig.pass(20);
    await rig.clock.advance(3_600_000 - 20_000 - 540_000);
    rig.store.close();
    await rig.crash();
    expect(rig.statusInDatabase(id)).toBe('completed');
  });

  test('the time away counts for a wait that began before the first minute was kept', async () => {
    const id = await started([wait('h', { for: '10m' })]);
    rig.clock.leap(3_600_000);
    await rig.crash();
    expect((await rig.end(id, 1)).status).toBe('completed');
  });

  test('a clock that was set back does not lengthen a wait by more than what was not kept', async () => {
    const id = await started([wait('h', { for: '10s' })]);
    await rig.pass(5);
    rig.clock.leap(-3_600_000);
    await rig.crash();
    expect((await rig.end(id, 11)).status).toBe('completed');
  });

  test('a run of a step type that is gone fails; a full disk does not keep the daemon down', async () => {
    const id = await started([wait('h', { for: '10m' }), { id: 'x', type: 'gone' }]);
    rig.without = 'gone';
    await rig.crash();
    expect(rig.engine.runs.get(id)).toMatchObject({ status: 'failed', error: { code: 'workflow.invalid' } });
  });

  test('a paused run with a run that ends in the meantime', async () => {
    await rig.save({ name: 'child', steps: [wait('c', { for: '3s' })] });
    const id = await started([{ id: 's', type: 'run_workflow', workflow: 'child' }]);
    await rig.engine.runs.pause(id, ME);
    await rig.crash();
    await rig.pass(6);
    await rig.engine.runs.resume(id, ME);
    expect(await rig.end(id)).toMatchObject({ status: 'completed', output: { status: 'completed' } });
  });

  test('a paused run that is cancelled takes its child along', async () => {
    await rig.save({ name: 'child', steps: [wait('c', { for: '60s' })] });
    const id = await started([{ id: 's', type: 'run_workflow', workflow: 'child' }]);
    await rig.crash();
    await rig.settle();
    await rig.engine.runs.cancel(id, ME);
    await rig.settle();
    expect(rig.store.rows<{ status: string }>('SELECT status FROM runs').map((row) => row.status)).toEqual([
      'cancelled',
      'cancelled',
    ]);
  });

  test('a start that is aborted leaves nothing running', async () => {
    const id = await started([wait('h', { for: '1s' }), act('a')]);
    rig.store.close();
    await rig.begin();
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(rig.engine.start(abort.signal)).rejects.toThrow('enough');
    await rig.pass(3);
    expect(rig.effects).toEqual([]);
    await rig.engine.start(never);
    expect((await rig.end(id)).status).toBe('completed');
    expect(rig.engine.recovered).toBe(1);
  });

  test('a long while loop is picked up in no time', async () => {
    const id = await started([
      {
        id: 'l',
        type: 'loop',
        while: '{{ loop.index < 2000 }}',
        max: 5000,
        steps: [{ id: 't', type: 'transform', value: 1 }],
      },
      wait('h', { signal: 'go' }),
    ]);
    await rig.pass(60, () => rig.statusInDatabase(id) === 'waiting');
    const before = performance.now();
    await rig.crash();
    await rig.settle();
    expect(performance.now() - before).toBeLessThan(3000);
    await rig.engine.runs.signal(id, 'go', null, ME);
    expect((await rig.end(id)).status).toBe('completed');
  });
});

describe('steps', () => {
  test('rounds of skipped steps reach the disk in pieces and can be cancelled', async () => {
    const inner = { id: 'm', type: 'loop', times: 1000, max: 1000, steps: [act('s', { when: false })] };
    await rig.save({ name: 'w', steps: [{ id: 'l', type: 'loop', times: 1000, max: 1000, steps: [inner] }] });
    const id = await rig.start('w');
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    await rig.engine.runs.cancel(id, ME);
    expect(rig.statusInDatabase(id)).toBe('cancelled');
    expect(rig.steps().length).toBeLessThan(100_000);
  });

  test('bounds of loops', async () => {
    const codes: unknown[] = [];
    for (const loop of [
      { times: '{{ 1.5 }}' },
      { times: '{{ 7 }}', max: 5 },
      { while: true, max: 2 },
      { while: '{{ input.x.y }}' },
    ]) {
      const id = await started([{ id: 'l', type: 'loop', ...loop, steps: [act('s')] }]);
      const run = await rig.end(id);
      codes.push(run.error?.code);
    }
    expect(codes).toEqual(['loop.times_invalid', 'loop.too_many', 'loop.too_many', 'expression.failed']);
  });

  test('outputs that are too large, one by one and together', async () => {
    const size = 200_000;
    const id = await started([{ id: 'l', type: 'loop', times: 2, steps: [act('s', { size })] }]);
    expect((await rig.end(id)).output).toEqual({ count: 2, results: null });
    const huge = await started([act('s', { size: 17_000_000, on_error: 'continue' })]);
    expect((await rig.end(huge)).steps[0]?.error?.code).toBe('step.output_too_large');
  });

  test('a timeout and a default that cannot be evaluated fail the step, and the step can handle it', async () => {
    const id = await started([
      wait('h', { for: '5s', timeout: '{{ input.nothing.here }}', on_error: 'continue' }),
      wait('i', { signal: 'x', timeout: '1s', default: '{{ 1 / 0 }}', on_error: 'continue' }),
      act('z'),
    ]);
    const run = await rig.end(id);
    expect(run.status).toBe('completed');
    expect(run.steps.map((step) => step.status)).toEqual(['failed', 'failed', 'completed']);
  });

  test('a wait for what is no name, no time', async () => {
    const id = await started([
      wait('h', { signal: '{{ 1 }}', on_error: 'continue' }),
      wait('i', { until: "{{ 'soon' }}", on_error: 'continue' }),
      wait('j', {
        event: 'chainbot.workflow.*',
        where: '{{ event.data.nothing.here }}',
        on_error: 'continue',
      }),
    ]);
    await rig.start('w');
    const run = await rig.end(id, 5);
    expect(run.steps.map((step) => step.error?.code)).toEqual([
      'wait.signal_invalid',
      expect.any(String),
      'expression.failed',
    ]);
  });

  test('tries again as often as it may, after as long as was asked', async () => {
    const id = await started([
      act('a', {
        fails: 9,
        retry: { max_attempts: 3, delay: '1s', factor: 3, max_delay: '2s', jitter: false },
      }),
    ]);
    const run = await rig.end(id);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'act.again' } });
    expect(run.steps[0]).toMatchObject({ attempts: 3 });
    const pauses = rig
      .log()
      .filter((event) => event.type === 'chainbot.step.retrying')
      .map((event) => event.data.retry_in_ms);
    expect(pauses).toEqual([1000, 2000]);
  });

  test('no more tries than allowed, however many there were before the power went', async () => {
    const id = await started([
      act('a', { fails: 99, retry: { max_attempts: 30, delay: '1s', factor: 1, jitter: false } }),
    ]);
    await rig.pass(24);
    await rig.crash();
    await rig.end(id);
    expect(rig.effects.length).toBe(30);
  });

  test('an attempt that never ends is timed out', async () => {
    const id = await started([
      act('a', { ms: 1e9, timeout: '2s', retry: { max_attempts: 2, delay: '1s', jitter: false } }),
    ]);
    expect((await rig.end(id)).error?.code).toBe('step.timeout');
    expect(rig.effects.length).toBe(2);
  });
});

describe('housekeeping', () => {
  test('old runs go with their steps, not before their keys', async () => {
    await rig.close();
    rig = new EngineRig({ keepRunsMs: 1000 });
    await rig.open();
    await rig.save({ name: 'w', steps: [act('a')] });
    await rig.engine.runs.start({ workflow: 'w', actor: ME, idempotencyKey: 'k' });
    await rig.pass(120);
    expect(rig.count('runs')).toBe(1);
    rig.clock.leap(25 * 3_600_000);
    await rig.pass(120);
    expect([rig.count('runs'), rig.steps().length]).toEqual([0, 0]);
    expect((await rig.engine.runs.start({ workflow: 'w', actor: ME, idempotencyKey: 'k' })).replayed).toBe(
      false,
    );
  });

  test('is tried again when the disk is full', async () => {
    rig.store.refusals.push(new RetryableError('store.full', 'full'));
    await rig.pass(65);
    expect(rig.store.refusals).toEqual([]);
    expect(rig.engine.health().score).toBe(1);
  });
});
