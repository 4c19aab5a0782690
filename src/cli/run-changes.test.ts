import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RUN_ID } from '../../tests/cli/samples.ts';
import { TestConsole, type TestRun } from '../../tests/cli/test-console.ts';
import { type TestAnswer, TestDaemon } from '../../tests/cli/test-daemon.ts';

let daemon: TestDaemon;
beforeEach(async () => {
  daemon = await new TestDaemon().start();
});
afterEach(() => daemon.stop());

const cli = (...argv: string[]): Promise<TestRun> =>
  new TestConsole({ cwd: daemon.folder, environment: { socket: daemon.socket } }).run(...argv);
const sent = (): unknown => JSON.parse(daemon.requests.at(-1)?.body ?? 'null');
const summary = (fields: object): TestAnswer => ({
  status: 202,
  body: {
    ...{ id: RUN_ID, workflow: 'w', version: 2, status: 'queued', actor: 'socket:local', trigger: {} },
    ...{ priority: 'normal', start_at: null, forked_from: null, created_at: '2026-03-01T08:00:00.000Z' },
    ...{ started_at: null, ended_at: null, error: null },
    ...fields,
  },
});

describe('starts', () => {
  test('for later, and with a priority', async () => {
    daemon.on('POST /workflows/w/runs', summary({}));
    expect(await cli('run', 'w', '--in', '10m', '--priority', 'high')).toMatchObject({
      code: 0,
      out: `${RUN_ID}\n`,
    });
    expect(sent()).toEqual({ in: 600, priority: 'high' });
    await cli('run', 'w', '--at', '2030-01-01T00:00:00Z');
    expect(sent()).toEqual({ start_at: '2030-01-01T00:00:00.000Z' });
    await cli('run', 'w', '--at', '18:30');
    const { start_at } = sent() as { start_at: string };
    expect(Date.parse(start_at)).toBeGreaterThan(Date.now());
    expect((await cli('run', 'w', '--at', 'soon')).code).toBe(2);
  });
});

describe('runs', () => {
  test('fork, migrate, delete', async () => {
    daemon.on(`POST /runs/${RUN_ID}/fork`, summary({ forked_from: RUN_ID }));
    daemon.on(`POST /runs/${RUN_ID}/migrate`, summary({ version: 3 }));
    daemon.on(`DELETE /runs/${RUN_ID}`, { status: 204 });
    expect((await cli('runs', 'fork', RUN_ID, '--step', 'b', '-i', '{"n":1}')).out).toBe(`${RUN_ID}\n`);
    expect(sent()).toEqual({ step: 'b', input: { n: 1 } });
    expect((await cli('runs', 'migrate', RUN_ID, '--version', '3')).out).toContain('version 3');
    expect((await cli('runs', 'delete', RUN_ID)).out).toContain('deleted');
  });

  test('many at once: one that is refused makes the exit status 1', async () => {
    const error = { code: 'run.illegal', message: 'it has ended', retryable: false };
    daemon.on('POST /runs/bulk', {
      body: {
        results: [
          { id: RUN_ID, workflow: 'w', status: 'cancelled', error: null },
          { id: RUN_ID, workflow: 'w', status: null, error },
        ],
        more: true,
      },
    });
    const { code, out } = await cli('runs', 'cancel', '--workflow', 'w', '--status', 'waiting,queued');
    expect([code, out.includes('it has ended')]).toEqual([1, true]);
    expect(sent()).toEqual({ verb: 'cancel', workflow: 'w', status: ['waiting', 'queued'], limit: 100 });
    expect((await cli('runs', 'delete')).code).toBe(2);
  });

  test('verbs', async () => {
    daemon.on('GET /runs/verbs', { body: { verbs: { resume: ['paused'] } } });
    expect((await cli('runs', 'verbs')).out).toMatch(/resume +paused/);
  });
});

test('diff and rollback of a workflow', async () => {
  const fields = [{ field: 'value', before: 1, after: 2 }];
  const changes = [
    { kind: 'changed', step: 'a', at: 'each/steps', fields },
    { kind: 'added', step: 'b', at: 'steps', fields: [] },
    { kind: 'changed', step: null, at: 'timeout', fields },
  ];
  daemon.on('GET /workflows/w/diff', { body: { name: 'w', from: 1, to: 2, changes } });
  const { out } = await cli('workflows', 'diff', 'w', '1', '2');
  expect(out.split('\n').slice(0, 5)).toEqual([
    expect.stringContaining('1'),
    '~ step a  in each/steps',
    '    - value: 1',
    '    + value: 2',
    '+ step b',
  ]);
  daemon.on('POST /workflows/w/rollback', { status: 201, body: { id: 'x', name: 'w', version: 3 } });
  expect((await cli('workflows', 'rollback', 'w', '1')).out).toContain('version 3');
});
