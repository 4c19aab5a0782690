import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RUN_ID, sample } from '../../tests/cli/samples.ts';
import { TestConsole, type TestRun, type TestTerminal } from '../../tests/cli/test-console.ts';
import { type TestAnswer, TestDaemon } from '../../tests/cli/test-daemon.ts';

let daemon: TestDaemon;
beforeEach(async () => {
  daemon = await new TestDaemon().start();
});
afterEach(() => daemon.stop());

function cli(argv: readonly string[], terminal: TestTerminal = {}): Promise<TestRun> {
  const environment = { socket: daemon.socket, ...terminal.environment };
  return new TestConsole({ cwd: daemon.folder, ...terminal, environment }).run(...argv);
}

const at = (seconds: number): string => new Date(Date.UTC(2026, 2, 1, 8, 0, seconds)).toISOString();
const error = { code: 'http.unreachable', message: 'no answer', retryable: true };
const { step } = sample;
const STEPS = [
  step({ path: 'read', type: 'device_read', started_at: at(0), ended_at: at(0) }),
  step({ path: 'each', type: 'loop', started_at: at(0), ended_at: at(60) }),
  step({
    path: 'each/0/tell',
    type: 'api_call',
    started_at: at(0),
    ended_at: at(30),
    history: [{ attempt: 1, at: at(15), error }],
  }),
  step({ path: 'each/1/hold', type: 'wait', started_at: at(30), ended_at: at(60) }),
  step({ path: 'end', type: 'transform', started_at: at(60), ended_at: at(80), status: 'failed', error }),
  step({ path: 'never', type: 'transform', started_at: at(80), ended_at: at(80), status: 'skipped' }),
];

function show(fields: object): void {
  const { body } = sample.routes[`GET /runs/${RUN_ID}`] as TestAnswer;
  daemon.on(`GET /runs/${RUN_ID}`, { body: { ...(body as object), ...fields } });
}

describe('runs show --gantt', () => {
  test.each([50, 80, 140])('fits %i cells, with attempts and waits', async (columns) => {
    show({ steps: STEPS, started_at: at(0), ended_at: at(80) });
    const { code, out } = await cli(['runs', 'show', RUN_ID, '--gantt', '--no-color'], { columns });
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n').slice(1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    const line = (name: string) => lines.find((one) => one.trimStart().startsWith(name)) ?? '';
    expect(line('read')).toMatch(/read +▏ +0 ms$/);
    expect(line('each')).toMatch(/each +─+ +1 min 0 s$/);
    expect(line('tell')).toMatch(/tell +█+✗█+ +30\.0 s$/);
    expect(line('hold')).toMatch(/hold +░+ +30\.0 s$/);
    expect(line('end')).toMatch(/end +█+✗ +20\.0 s$/);
    expect(line('never')).toMatch(/never +skipped$/);
    expect(lines[0]).toMatch(/^ +0 .*1 min 20 s$/);
  });

  test('without Unicode, and of a run in which nothing has begun', async () => {
    show({ steps: STEPS, started_at: at(0), ended_at: at(80) });
    const ascii = await cli(['runs', 'show', RUN_ID, '-g'], { environment: { unicode: false } });
    expect(ascii.out).toMatch(/tell +#+x#+ /);
    show({ steps: [] });
    expect((await cli(['runs', 'show', RUN_ID, '-g'])).out).toContain('no step has begun');
  });
});

test('runs show --logs has what each step logged below it', async () => {
  const logs = [
    { at: at(1), level: 'info' as const, message: 'opened' },
    { at: at(2), level: 'warn' as const, message: 'slow', fields: { valve: '3' } },
  ];
  show({ steps: [step({ path: 'read', logs })] });
  const { out } = await cli(['runs', 'show', RUN_ID, '--logs']);
  expect(out).toMatch(/:01 info opened\n/);
  expect(out).toMatch(/:02 warn slow valve=3\n/);
  expect(daemon.requests.at(-1)?.path).toContain('logs=true');
});

describe('outputs', () => {
  test('a large one is named by its size, and printed whole on demand', async () => {
    show({ steps: [step({ path: 'read', output: { $file: 'ab'.repeat(32), bytes: 2_000_000 } })] });
    expect((await cli(['runs', 'show', RUN_ID])).out).toContain('1954 KiB: chainbot runs output');
    daemon.on(`GET /runs/${RUN_ID}/steps/each%2F0%2Ftell/output`, { body: { big: 'x'.repeat(100_000) } });
    const { code, out } = await cli(['runs', 'output', RUN_ID, 'each/0/tell']);
    expect([code, JSON.parse(out).big.length]).toEqual([0, 100_000]);
  });

  test('one that is not there is said', async () => {
    daemon.refuse(`GET /runs/${RUN_ID}/output`, { status: 404, code: 'step.no_output' });
    expect(await cli(['runs', 'output', RUN_ID])).toMatchObject({ code: 4, out: '' });
  });
});

describe('workflows graph', () => {
  const graph = { workflow: 'cooling', version: 1, nodes: [], edges: [] };

  test('is Mermaid, or JSON, of a definition or a run', async () => {
    daemon.on('GET /workflows/cooling/graph', { body: graph });
    daemon.on(`GET /runs/${RUN_ID}/graph`, { body: graph });
    const json = await cli(['workflows', 'graph', 'cooling', '--format', 'json']);
    expect(JSON.parse(json.out)).toEqual(graph);
    const run = await cli(['workflows', 'graph', 'cooling', '--run', RUN_ID, '--json']);
    expect(JSON.parse(run.out)).toEqual(graph);
    expect((await cli(['workflows', 'graph', 'cooling'])).code).toBe(0);
    expect(daemon.requests.at(-1)?.path).toContain('format=mermaid');
    const other = await cli(['workflows', 'graph', 'heating', '--run', RUN_ID]);
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('one of "cooling"') });
  });
});
