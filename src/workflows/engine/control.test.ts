import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';

const act = (id: string, more: object = {}) => ({ id, type: 'act', ...more });
const person = { kind: 'person', id: 'ann' } as const;

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig();
  await rig.open();
});
afterEach(() => rig.close());

const played = (): string[] => rig.effects.map(({ path }) => path);
const outputs = async (id: string) =>
  Object.fromEntries((await rig.end(id)).steps.map((step) => [step.path, step.output]));

describe('undo', () => {
  const saga = {
    name: 'saga',
    steps: [
      act('a', { value: 'A', undo: [act('ua', { value: '{{ [steps.a.output, error.code] }}' })] }),
      {
        ...{ id: 'l', type: 'loop', times: 2 },
        steps: [
          act('s', { undo: [act('us', { value: '{{ loop.index }}', fail: '{{ loop.index == 1 }}' })] }),
        ],
      },
      {
        ...{ id: 'p', type: 'parallel' },
        branches: {
          x: [{ id: 'w', type: 'wait', for: '2s' }, act('px', { undo: [act('ux')] })],
          y: [act('py', { undo: [act('uy')] })],
        },
      },
      { id: 'ask', type: 'wait', signal: 'go' },
      { id: 'f', type: 'fail', code: 'no.stock', message: 'none left' },
    ],
    on_error: [act('h')],
  };

  test('the last completed first, each with its output; a failing one does not stop the rest', async () => {
    await rig.save(saga);
    const id = await rig.start('saga');
    await rig.pass(5);
    await rig.engine.runs.signal(id, 'go', null, SYSTEM);
    const run = await rig.end(id);
    expect({ status: run.status, code: run.error?.code }).toEqual({ status: 'failed', code: 'no.stock' });
    expect(played().slice(played().indexOf('p/x/px') + 1)).toEqual([
      ...['p/x/px/undo/ux', 'p/y/py/undo/uy', 'l/1/s/undo/us', 'l/0/s/undo/us', 'a/undo/ua', 'on_error/h'],
    ]);
    const of = (path: string) => run.steps.find((step) => step.path === path);
    expect(of('a/undo/ua')?.output).toEqual(['A', 'no.stock']);
    expect(of('l/1/s/undo')).toMatchObject({ status: 'failed', error: { code: 'act.failed' } });
    expect(of('l/0/s/undo')).toMatchObject({ status: 'completed', type: 'undo' });
  });

  test('a run that was undone is neither retried nor forked', async () => {
    await rig.save(saga);
    const id = await rig.start('saga');
    await rig.pass(5);
    await rig.engine.runs.signal(id, 'go', null, SYSTEM);
    const run = await rig.end(id);
    expect(run.verbs).not.toContain('retry');
    await expect(rig.engine.runs.retry(id, SYSTEM)).rejects.toMatchObject({ code: 'run.undone' });
    const fork = async () => rig.engine.runs.fork(id, { step: 'f' }, SYSTEM);
    await expect(fork()).rejects.toMatchObject({ code: 'run.undone' });
  });

  test('a run that ends well undoes nothing', async () => {
    await rig.save({ name: 'w', steps: [act('a', { undo: [act('ua')] }), act('b')] });
    const run = await rig.end(await rig.start('w'));
    expect(run.steps.map(({ path, status }) => [path, status])).toEqual([
      ['a', 'completed'],
      ['a/undo', 'skipped'],
      ['b', 'completed'],
    ]);
    expect(played()).toEqual(['a', 'b']);
  });

  const slow = {
    name: 'slow',
    steps: [
      act('a', { undo: [{ id: 'w', type: 'wait', signal: 'never' }, act('ua')] }),
      act('b', { undo: [act('ub')] }),
      { id: 'c', type: 'wait', signal: 'go' },
    ],
  };

  test('cancel answers when the undos have begun, and `now` cuts them off', async () => {
    await rig.save(slow);
    const id = await rig.start('slow');
    await rig.settle();
    expect((await rig.engine.runs.cancel(id, person)).endedAt).toBeNull();
    await rig.settle();
    expect(played()).toEqual(['a', 'b', 'b/undo/ub']);
    await rig.engine.runs.cancel(id, person); // once more changes nothing
    await rig.pass(3);
    expect(rig.engine.runs.get(id).endedAt).toBeNull();
    expect((await rig.engine.runs.cancel(id, person, { now: true })).status).toBe('cancelled');
    expect(played()).toEqual(['a', 'b', 'b/undo/ub']);
    expect(rig.typesOf(id).at(-1)).toBe('workflow.cancelled');
  });

  test('cancel with `now` at once leaves the undos out; a paused run undoes too', async () => {
    await rig.save(slow);
    const id = await rig.start('slow');
    await rig.settle();
    expect((await rig.engine.runs.cancel(id, person, { now: true })).status).toBe('cancelled');
    expect(played()).toEqual(['a', 'b']);
    const other = await rig.start('slow');
    await rig.settle();
    await rig.engine.runs.pause(other, person);
    await rig.engine.runs.cancel(other, person);
    await rig.settle();
    expect(played().at(-1)).toBe('b/undo/ub');
    await rig.engine.runs.cancel(other, person, { now: true });
  });

  test('a clean stop in the middle: the next start goes on undoing', async () => {
    await rig.save(slow);
    const id = await rig.start('slow');
    await rig.settle();
    await rig.engine.runs.cancel(id, person);
    await rig.settle();
    await rig.engine.stop();
    await rig.crash();
    await rig.engine.runs.signal(id, 'never', null, SYSTEM);
    const run = await rig.end(id);
    expect(run.status).toBe('cancelled');
    expect(played()).toEqual(['a', 'b', 'b/undo/ub', 'a/undo/ua']);
    const [ended] = rig.log().filter(({ type }) => type === 'chainbot.workflow.cancelled');
    expect(ended?.data.reason).toBe('cancelled');
  });
});

describe('try', () => {
  test('finally that a stop interrupts goes on, with its error, also when the clock has gone back', async () => {
    await rig.save({
      name: 'w',
      steps: [
        {
          ...{ id: 'l', type: 'loop', times: 1, timeout: '5s', on_error: 'continue' },
          steps: [
            {
              ...{
                id: 't',
                type: 'try',
                steps: [act('a'), { id: 'w1', type: 'wait', signal: 'x' }, act('no')],
              },
              finally: [{ id: 'w2', type: 'wait', for: '3s' }, act('y', { value: '{{ error.code }}' })],
            },
          ],
        },
        act('z', { value: '{{ steps.l.error.code }}' }),
      ],
    });
    const id = await rig.start('w');
    await rig.pass(7);
    await rig.engine.stop();
    rig.clock.leap(-3_600_000);
    await rig.crash();
    expect(await outputs(id)).toMatchObject({ 'l/0/t/finally/y': 'step.timeout', z: 'step.timeout' });
    expect(played()).toEqual(
      ['a', 'l/0/t/finally/y', 'z'].map((path) => (path === 'a' ? 'l/0/t/try/a' : path)),
    );
  });

  test('what it gives when all is well, and when it was caught', async () => {
    await rig.save({
      name: 'w',
      steps: [
        {
          id: 't',
          type: 'try',
          steps: [act('a', { value: 1 })],
          finally: [act('x', { value: '{{ error == null }}' })],
        },
        { id: 'u', type: 'try', steps: [act('b', { fail: true })], catch: [act('c', { value: 2 })] },
      ],
    });
    expect(await outputs(await rig.start('w'))).toMatchObject({
      t: { ok: true, output: 1, error: null },
      't/finally/x': true,
      u: { ok: false, output: 2, error: { code: 'act.failed', step: 'u/try/b' } },
    });
  });
});

describe('approval', () => {
  const ask = {
    name: 'ask',
    steps: [
      { id: 'ok', type: 'approval', title: 'Open {{ input.what }}?', body: 'It is wet.', roles: ['keeper'] },
    ],
  };
  const open = () => rig.engine.approvals.list({ all: false, limit: 10 });

  test('is listed, answered once, and the answer is the output; it rests meanwhile', async () => {
    await rig.save(ask);
    const id = await rig.start('ask', { what: 'the valve' });
    await rig.pass(5);
    expect(rig.engine.launcher.resting.size).toBe(1);
    const [one] = open();
    expect(one).toMatchObject({
      run: id,
      workflow: 'ask',
      path: 'ok',
      title: 'Open the valve?',
      roles: ['keeper'],
    });
    const { id: approval = '' } = one ?? {};
    const done = await rig.engine.approvals.approve(approval, 'go ahead', person);
    expect(done).toMatchObject({ status: 'approved', decidedBy: 'person:ann', comment: 'go ahead' });
    const run = await rig.end(id);
    expect(run.output).toMatchObject({
      approved: true,
      by: 'person:ann',
      comment: 'go ahead',
      expired: false,
    });
    const again = rig.engine.approvals.reject(approval, null, person);
    await expect(again).rejects.toMatchObject({ code: 'approval.answered', kind: 'conflict' });
    expect(open()).toEqual([]);
    expect(rig.engine.approvals.list({ all: true, limit: 10 })).toHaveLength(1);
    await expect(rig.engine.approvals.approve('nobody', null, person)).rejects.toMatchObject({
      code: 'approval.not_found',
    });
    const asked = rig.log().filter(({ subject }) => subject === `approval/${approval}`);
    expect(asked.map(({ type }) => type)).toEqual([
      'chainbot.approval.requested',
      'chainbot.approval.answered',
    ]);
  });

  test('two at once: the first answer stands', async () => {
    await rig.save(ask);
    const id = await rig.start('ask', { what: 'it' });
    await rig.settle();
    const [one] = open();
    const both = await Promise.allSettled([
      rig.engine.approvals.approve(one?.id ?? '', null, person),
      rig.engine.approvals.reject(one?.id ?? '', null, person),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((await rig.end(id)).output).toMatchObject({ approved: true });
  });

  test('an answer written as the daemon ends is heard by the next start', async () => {
    await rig.save(ask);
    const id = await rig.start('ask', { what: 'it' });
    await rig.pass(5);
    rig.store.dieAfter(1, true);
    void rig.engine.approvals.reject(open()[0]?.id ?? '', null, person).catch(() => undefined);
    await rig.settle();
    await rig.crash();
    expect((await rig.end(id)).output).toMatchObject({ approved: false });
  });

  test('is withdrawn when its run is cancelled, and expires', async () => {
    await rig.save(ask, {
      name: 'short',
      steps: [{ id: 'ok', type: 'approval', title: 'Well?', deadline: '3s' }],
    });
    const id = await rig.start('ask', { what: 'it' });
    await rig.settle();
    const [one] = open();
    await rig.engine.runs.cancel(id, person);
    expect(open()).toEqual([]);
    const late = rig.engine.approvals.approve(one?.id ?? '', null, person);
    await expect(late).rejects.toMatchObject({ code: 'approval.withdrawn' });
    const run = await rig.end(await rig.start('short'));
    expect(run.error?.code).toBe('approval.expired');
    const [newest] = rig.engine.approvals.list({ all: true, limit: 1 });
    await expect(rig.engine.approvals.approve(newest?.id ?? '', null, person)).rejects.toMatchObject({
      code: 'approval.expired',
    });
  });

  test('a retry asks anew', async () => {
    await rig.save({
      name: 'short',
      steps: [{ id: 'ok', type: 'approval', title: 'Well?', deadline: '3s' }],
    });
    const id = await rig.start('short');
    await rig.end(id);
    await rig.engine.runs.retry(id, person);
    await rig.settle();
    const [one] = open();
    await rig.engine.approvals.approve(one?.id ?? '', null, person);
    expect((await rig.end(id)).output).toMatchObject({ approved: true });
  });
});

test('set: a value that is too large fails the step, and nothing is set', async () => {
  await rig.save({
    name: 'w',
    vars: { n: 'small' },
    steps: [
      act('a', { size: 100_000 }),
      { id: 's', type: 'set', vars: { n: '{{ steps.a.output }}' }, on_error: 'continue' },
      { id: 'z', type: 'transform', value: '{{ [vars.n, steps.s.error.code] }}' },
    ],
  });
  expect((await outputs(await rig.start('w'))).z).toEqual(['small', 'set.too_large']);
});
