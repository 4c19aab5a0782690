import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ApiHarness, startApi } from '../../tests/api/api-harness.ts';
import { TestConsole, type TestRun, type TestTerminal } from '../../tests/cli/test-console.ts';
import { Interruption } from './io.ts';

// The API room itself, over its own socket, with fakes behind its ports only.
let api: ApiHarness;
beforeAll(async () => {
  api = await startApi();
  api.runs.add('run-done', 'completed');
});
afterAll(() => api.close());

function terminal(options: TestTerminal = {}): TestConsole {
  return new TestConsole({ ...options, environment: { socket: api.socketPath, ...options.environment } });
}

function cli(...argv: string[]): Promise<TestRun> {
  return terminal().run(...argv);
}

describe('against the real API', () => {
  test.each([
    [['status']],
    [['health']],
    [['workflows', 'list']],
    [['runs', 'list', '--status', 'running,failed', '--workflow', 'cooling']],
    [['runs', 'show', 'run-done']],
    [['devices', 'list']],
    [['events', '--since', '0', '--type', 'chainbot.*', '--limit', '5']],
    [['token', 'list']],
    [['notifications', 'list']],
  ])('%j', async (argv) => {
    expect((await cli(...argv)).code).toBe(0);
    const { code, out } = await cli(...argv, '--json');
    expect(code).toBe(0);
    JSON.parse(out);
  });

  test('workflows: add, show, versions, remove; a fault has its line and column', async () => {
    const source = 'name: watering # by hand\n';
    const add = await terminal({ stdin: source }).run('workflows', 'add', '-');
    expect(add).toEqual({ code: 0, out: 'watering stored as version 1\n', err: '' });
    expect((await terminal({ stdin: source }).run('workflows', 'add', '-')).out).toContain('unchanged');
    expect((await cli('workflows', 'show', 'watering', '--source')).out).toBe(source);
    expect((await cli('workflows', 'show', 'watering', '--version', '9')).code).toBe(4);
    expect((await cli('workflows', 'versions', 'watering')).out).toContain('socket:local');
    expect((await cli('workflows', 'remove', 'watering')).code).toBe(0);
    const broken = await terminal({ stdin: 'broken' }).run('workflows', 'add', '-');
    expect(broken.code).toBe(5);
    expect(broken.err).toContain('standard input:3:5 steps/0/type: is no step type');
  });

  test('a run: started once per key, waited for, steered, signalled', async () => {
    const start = ['run', 'cooling', '--input', '{"limit": 28}', '--idempotency-key', 'once'];
    const id = (await cli(...start)).out.trim();
    expect((await cli(...start)).out.trim()).toBe(id);
    expect(api.runs.started.at(-1)).toMatchObject({ input: { limit: 28 }, idempotencyKey: 'once' });
    const waiting = terminal();
    const ended = waiting.run(...start, '--wait', '--json');
    await vi.waitFor(() => expect(api.runs.started).toHaveLength(3));
    api.runs.add(id, 'completed');
    api.log.write('chainbot.workflow.completed', `run/${id}`);
    expect((await ended).code).toBe(0);
    expect(JSON.parse(waiting.out)).toMatchObject({ id, status: 'completed', steps: [{ path: 'read' }] });
    expect((await cli('runs', 'signal', id, 'go', '--payload', '[1]')).code).toBe(0);
    expect(api.runs.signals.at(-1)).toEqual({ name: 'go', payload: [1] });
  });

  test('what the engine says is what the exit status says', async () => {
    expect((await cli('run', 'busy')).code).toBe(7);
    expect((await cli('run', 'unheard-of')).code).toBe(4);
    expect((await cli('run', 'bug')).code).toBe(1);
    expect((await cli('runs', 'show', 'ffffffff')).code).toBe(4);
  });

  test('--follow shows the steps of a run from its beginning to its end', async () => {
    const screen = terminal();
    const ended = screen.run('run', 'cooling', '--follow');
    await vi.waitFor(() => expect(screen.out).toMatch(/↻ {2}read +try 1 failed: device\.fault: no answer/));
    const id = screen.out.split('\n')[0] as string;
    api.runs.add(id, 'completed');
    api.log.write('chainbot.workflow.completed', `run/${id}`);
    expect((await ended).code).toBe(0);
    expect(screen.out).toContain('✓ completed cooling version 3');
  });

  test('--follow --json has every event of the run, then the run', async () => {
    const run = api.runs.add('019a9f00-3333-7aaa-8bbb-000000000003', 'completed');
    for (const type of ['started', 'completed']) api.log.write(`chainbot.workflow.${type}`, `run/${run.id}`);
    const { code, out } = await cli('runs', 'follow', run.id, '--json');
    expect(code).toBe(0);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.type ?? line.status)).toEqual([
      'chainbot.workflow.started',
      'chainbot.workflow.completed',
      'completed',
    ]);
  });

  test('events --follow from a place in the log', async () => {
    const screen = terminal();
    const ended = screen.run('events', '--follow', '--since', String(api.log.head()));
    api.log.write('chainbot.device.changed', 'device/fan', { value: true });
    await vi.waitFor(() => expect(screen.out).toContain('device/fan'));
    screen.interrupt(new Interruption('person'));
    expect((await ended).code).toBe(130);
  });

  test('over TCP a token is asked for, and a wrong one is refused', async () => {
    const tcp = (...more: string[]) => new TestConsole().run('token', 'list', '--url', api.url, ...more);
    expect((await tcp()).code).toBe(6);
    const wrong = await tcp('--token', 'cb_wrong');
    expect(wrong).toMatchObject({ code: 6, err: expect.stringContaining('hint: ') });
    expect((await tcp('--token', 'cb_right')).code).toBe(0);
    expect((await new TestConsole().run('health', '--url', api.url)).code).toBe(0);
  });

  test('a daemon that is failed: health exits 1', async () => {
    api.health = { status: 'failed', score: 0, parts: [] };
    expect((await cli('health')).code).toBe(1);
    api.health = { status: 'ok', score: 1, parts: [] };
  });
});
