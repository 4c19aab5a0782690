import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunAnswer, StepAnswer } from '#api/contract/run.ts';
import { RUN_ID, sample } from '../../tests/cli/samples.ts';
import { TestConsole, type TestTerminal } from '../../tests/cli/test-console.ts';
import { TestDaemon } from '../../tests/cli/test-daemon.ts';
import { Interruption } from './io.ts';

let daemon: TestDaemon;
let run: RunAnswer;

beforeEach(async () => {
  daemon = await new TestDaemon().start();
  run = sample.run({ status: 'running', ended_at: null, output: null, steps: [] });
  daemon.on(`GET /runs/${RUN_ID}`, () => ({ body: run }));
});
afterEach(() => daemon.stop());

function terminal(options: TestTerminal = {}): TestConsole {
  return new TestConsole({ ...options, environment: { socket: daemon.socket, ...options.environment } });
}

function happen(type: string, change: Partial<RunAnswer>): void {
  run = { ...run, ...change };
  daemon.emit(`chainbot.${type}`, `run/${RUN_ID}`);
}

const { step } = sample;
const READ = step({ path: 'read', type: 'device_read', output: { value: 33 } });
const FAILURE = { code: 'http.unreachable', message: 'no answer', hint: 'Is it on?', retryable: true };
const TRIED: StepAnswer = step({
  path: 'each/0/tell',
  type: 'api_call',
  attempts: 2,
  history: [{ attempt: 1, at: sample.LATER, error: FAILURE }],
});

async function untilFollowed(): Promise<void> {
  await vi.waitFor(() => expect(daemon.streams).toBe(1));
}

describe('--follow', () => {
  test('shows each step once as it happens, with its duration, and exits 0 when the run completed', async () => {
    const screen = terminal();
    const ended = screen.run('run', 'greenhouse-cooling', '--follow');
    await untilFollowed();
    expect(screen.out).toBe(`${RUN_ID}\n`);
    happen('step.completed', { steps: [READ] });
    await vi.waitFor(() => expect(screen.out).toMatch(/✓ {2}read +device_read +1\.3 s +\{"value":33\}/));
    happen('step.completed', { steps: [READ, TRIED] });
    happen('workflow.completed', { status: 'completed', output: { cooled: true }, ended_at: sample.LATER });
    expect((await ended).code).toBe(0);
    expect(screen.out).toMatch(/↻ {2}each\/0\/tell +try 1 failed: http\.unreachable: no answer\n/);
    expect(screen.out).toMatch(/✓ completed greenhouse-cooling version 3, 1\.3 s\n {2}\{"cooled":true\}\n$/);
    expect(screen.out.match(/read/g)).toHaveLength(2);
    expect(screen.err).toBe('');
  });

  test('what ends at one instant is shown from the inside out, in columns that stay', async () => {
    const screen = terminal();
    const ended = screen.run('runs', 'follow', RUN_ID);
    await untilFollowed();
    const paths = ['first', 'each', 'each/0/tell', 'each/1/tell', 'each/1/tell/deeper', 'last'];
    happen('workflow.completed', { status: 'completed', steps: paths.map((path) => step({ path })) });
    expect((await ended).code).toBe(0);
    const shown = screen.out.split('\n').filter((line) => line.includes('transform'));
    expect(shown.map((line) => line.split(/ +/)[2])).toEqual([
      ...['first', 'each/0/tell', 'each/1/tell/deeper', 'each/1/tell', 'each', 'last'],
    ]);
    expect(new Set(shown.map((line) => line.indexOf('transform'))).size).toBe(1);
  });

  test('exits 1 when the run failed, and shows the error with its hint', async () => {
    const screen = terminal();
    const ended = screen.run('runs', 'follow', RUN_ID);
    await untilFollowed();
    const failed = step({ path: 'tell', status: 'failed', error: FAILURE });
    const waiting = step({ path: 'hold', status: 'waiting', ended_at: null });
    const skipped = step({ path: 'maybe', status: 'skipped' });
    happen('workflow.failed', { status: 'failed', error: FAILURE, steps: [failed, waiting, skipped] });
    expect((await ended).code).toBe(1);
    expect(screen.out).toMatch(/✗ {2}tell +transform +1\.3 s +http\.unreachable: no answer/);
    expect(screen.out).toMatch(/◷ {2}hold +transform +waiting/);
    expect(screen.out).toMatch(/– {2}maybe +transform +skipped/);
    expect(screen.out).toContain('  hint: Is it on?\n');
  });

  test('a pause is told once, and a run that ended already is told at once', async () => {
    const screen = terminal();
    const ended = screen.run('runs', 'follow', RUN_ID);
    await untilFollowed();
    happen('workflow.paused', { status: 'paused' });
    await vi.waitFor(() => expect(screen.out).toContain('‖  paused'));
    happen('workflow.cancelled', { status: 'cancelled' });
    expect((await ended).code).toBe(1);
    expect((await terminal().run('runs', 'follow', 'last')).out).toContain('⊘ cancelled');
  });

  test('survives a daemon that goes away for a while', async () => {
    const screen = terminal();
    const ended = screen.run('runs', 'follow', RUN_ID);
    await untilFollowed();
    daemon.refuse(`GET /runs/${RUN_ID}`, { status: 503, code: 'store.closed' });
    daemon.drop();
    await vi.waitFor(() => expect(daemon.streams).toBe(1), { timeout: 3000 });
    daemon.on(`GET /runs/${RUN_ID}`, () => ({ body: run }));
    happen('workflow.completed', { status: 'completed' });
    expect((await ended).code).toBe(0);
  });

  test('ends with the error when the run is not there', async () => {
    daemon.refuse(`GET /runs/${RUN_ID}`, { status: 404, code: 'run.not_found' });
    expect((await terminal().run('runs', 'follow', RUN_ID)).code).toBe(4);
  });

  test('Ctrl-C stops looking, says that the run goes on, and exits 130', async () => {
    const screen = terminal();
    const ended = screen.run('runs', 'follow', RUN_ID);
    await untilFollowed();
    screen.interrupt(new Interruption('person'));
    expect((await ended).code).toBe(130);
    expect(screen.err).toContain('the run goes on');
    expect(screen.err).toContain(`chainbot runs follow ${RUN_ID}`);
  });

  test('--timeout exits 7 and says that the run goes on', async () => {
    const { code, err } = await terminal().run('runs', 'follow', RUN_ID, '--timeout', '300ms');
    expect(code).toBe(7);
    expect(err).toContain('has not ended within 300 ms');
    expect(err).toContain(`chainbot runs follow ${RUN_ID}`);
  });

  test('on a terminal a spinner on standard error says what is under way, and leaves nothing behind', async () => {
    const screen = terminal({ columns: 60 });
    const ended = screen.run('runs', 'follow', RUN_ID);
    await untilFollowed();
    happen('step.waiting', { steps: [step({ path: 'hold', status: 'running', ended_at: null })] });
    await vi.waitFor(() => expect(screen.err).toContain('hold running ('), { timeout: 2000 });
    happen('workflow.completed', { status: 'completed' });
    await ended;
    expect(screen.err.endsWith('\r\u001b[K')).toBe(true);
    expect(screen.out).not.toContain('\u001b');
  });

  test('--json: an event a line from before the start, then the finished run', async () => {
    const screen = terminal();
    const ended = screen.run('run', 'greenhouse-cooling', '--follow', '--json');
    await untilFollowed();
    expect(daemon.requests.find(({ method }) => method === 'SSE')?.path).toContain('after=7');
    happen('step.completed', { steps: [READ] });
    await vi.waitFor(() => expect(screen.out).toContain('step.completed'));
    daemon.drop();
    await vi.waitFor(() => expect(daemon.streams).toBe(0));
    await vi.waitFor(() => expect(daemon.streams).toBe(1), { timeout: 3000 });
    happen('workflow.completed', { status: 'completed' });
    expect((await ended).code).toBe(0);
    const lines = screen.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.type ?? line.status)).toEqual([
      'chainbot.step.completed',
      'chainbot.workflow.completed',
      'completed',
    ]);
  });

  test('--json of a run that ended already has all its events all the same', async () => {
    for (const type of ['started', 'failed', 'retried', 'recovered', 'completed']) {
      happen(`workflow.${type}`, { status: 'completed' });
    }
    const { code, out } = await terminal().run('runs', 'follow', RUN_ID, '--json');
    expect(code).toBe(0);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.seq)).toEqual([101, 102, 103, 104, 105, undefined]);
    expect(lines.at(-1)).toEqual(run);
  });

  test('--json and --timeout', async () => {
    const { code } = await terminal().run('runs', 'follow', RUN_ID, '--json', '--timeout', '200ms');
    expect(code).toBe(7);
  });
});

describe('--wait', () => {
  test.each([
    ['completed', 0],
    ['failed', 1],
    ['cancelled', 1],
  ] as const)('a run that is %s exits %i; --json prints it and nothing else', async (status, code) => {
    const screen = terminal();
    const ended = screen.run('run', 'greenhouse-cooling', '--wait', '--json');
    await untilFollowed();
    happen(`workflow.${status}`, { status });
    expect((await ended).code).toBe(code);
    expect(JSON.parse(screen.out)).toEqual(run);
    expect(screen.err).toBe('');
  });

  test('for people: the id at once, then how it ended', async () => {
    const screen = terminal();
    const ended = screen.run('run', 'greenhouse-cooling', '--wait');
    await untilFollowed();
    expect(screen.out).toBe(`${RUN_ID}\n`);
    happen('workflow.failed', {
      status: 'failed',
      error: { code: 'run.timeout', message: 'late', retryable: false },
    });
    expect((await ended).code).toBe(1);
    expect(screen.out).toContain('  run.timeout: late\n');
  });

  test('--timeout and Ctrl-C', async () => {
    const late = await terminal().run('run', 'greenhouse-cooling', '--wait', '--timeout', '100ms');
    expect(late).toMatchObject({ code: 7, out: `${RUN_ID}\n` });
    const screen = terminal();
    const ended = screen.run('run', 'greenhouse-cooling', '--wait');
    await untilFollowed();
    screen.interrupt(new Interruption('person'));
    expect((await ended).code).toBe(130);
    expect(screen.err).toContain('the run goes on');
  });
});

describe('events --follow', () => {
  test('shows events until Ctrl-C, also through a restart of the daemon', async () => {
    const screen = terminal();
    const ended = screen.run('events', '--follow', '--type', 'chainbot.device.*');
    await untilFollowed();
    daemon.emit('chainbot.device.changed', 'device/fan', { value: true });
    await vi.waitFor(() =>
      expect(screen.out).toMatch(/101 {2}[\d:]+ {2}chainbot\.device\.changed {2}device\/fan/),
    );
    daemon.drop();
    await vi.waitFor(() => expect(screen.err).toContain('waiting for it'), { timeout: 3000 });
    await vi.waitFor(() => expect(daemon.streams).toBe(1), { timeout: 3000 });
    screen.interrupt(new Interruption('person'));
    expect((await ended).code).toBe(130);
  });

  test('a reader that has gone is no error', async () => {
    const piped = terminal();
    const cut = piped.run('events', '--follow', '--json', '--since', '0');
    await untilFollowed();
    const event = daemon.emit('chainbot.module.ready', '');
    await vi.waitFor(() => expect(JSON.parse(piped.out)).toEqual(event));
    piped.interrupt(new Interruption('pipe'));
    expect(await cut).toMatchObject({ code: 0, err: '' });
  });

  test('a daemon that is not there is an error, not a wait without end', async () => {
    const { code } = await terminal({ environment: { socket: '/nowhere.sock' } }).run('events', '-f');
    expect(code).toBe(3);
  });
});

describe('Ctrl-C', () => {
  test('ends a command whose request hangs', async () => {
    daemon.on('GET /tokens', () => new Promise(() => {}));
    const screen = terminal();
    const ended = screen.run('token', 'list');
    await vi.waitFor(() => expect(daemon.requests).toHaveLength(1));
    screen.interrupt(new Interruption('person'));
    expect(await ended).toMatchObject({ code: 130, out: '' });
  });
});
