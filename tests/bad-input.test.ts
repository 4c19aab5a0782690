import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Problem, problemSchema } from '#api/contract/problem.ts';
import { type Booted, bootAppliance } from './rigs/appliance.ts';

/** What people and strangers send: each is a clear error with a way out, and the daemon is well afterwards. */

let booted: Booted;
beforeAll(async () => {
  booted = await bootAppliance();
});
afterAll(() => booted[Symbol.asyncDispose]());
afterEach(async () => {
  const began = performance.now();
  expect((await booted.api.health()).status).toBe('ok');
  expect(performance.now() - began).toBeLessThan(2000);
});

async function problem(answer: Response, status: number): Promise<Problem> {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const found = problemSchema.parse(await answer.json());
  expect(found.hint ?? found.faults?.map((fault) => fault.hint).join()).toBeTruthy();
  return found;
}
const yaml = (body: string) =>
  booted.fetch('/workflows', { method: 'POST', body, headers: { 'content-type': 'application/yaml' } });
const outcomeOf = async (value: string) => {
  const name = `probe-${Math.random().toString(36).slice(2)}`;
  const definition = { name, steps: [{ id: 'x', type: 'transform', value }] };
  await booted.api.saveWorkflow(JSON.stringify(definition), 'json');
  const { id } = await booted.api.startRun(name);
  return booted.api.waitForRun(id);
};

describe('definitions', () => {
  test('every fault with its line and column, all at once', async () => {
    const source = [
      'name: broken',
      'steps:',
      '  - id: one',
      '    type: device_reed',
      '    device: greenhouse_temp',
      '  - id: two',
      '    type: transform',
      '    value: "{{ 1 + }}"',
      '  - id: two',
      '    type: wait',
    ].join('\n');
    const { faults = [] } = await problem(await yaml(source), 400);
    const lines = faults.map((fault) => fault.line);
    expect(lines).toContain(4);
    expect(lines).toContain(8);
    expect(lines.some((line) => (line ?? 0) >= 9)).toBe(true);
    for (const fault of faults) expect(fault.column).toBeGreaterThan(0);
    expect(JSON.stringify(faults)).toContain('device_read');
  });

  test.each([
    ['no YAML at all', 'name: [unclosed\nsteps: {'],
    ['a list', '- 1\n- 2'],
    ['nothing', ''],
    ['a billion laughs', bomb()],
    ['an alias of itself', 'name: x\nsteps: &a [*a]'],
    ['a deep nest', `name: x\nsteps: ${'['.repeat(20_000)}`],
    ['a path for a name', 'name: ../../etc/passwd\nsteps: [{id: x, type: transform, value: 1}]'],
  ])('%s', async (_, source) => {
    const answer = await yaml(source);
    expect([400, 422]).toContain(answer.status);
    problemSchema.parse(await answer.json());
  });
});

describe('expressions that have no end or no bound', () => {
  const ten = '[0,1,2,3,4,5,6,7,8,9]';
  const nest = (depth: number): string => (depth === 0 ? '1' : `${ten}.map(x${depth}, ${nest(depth - 1)})`);
  test.each([
    ['maps within maps', `{{ ${nest(9)} }}`],
    ['a pattern that backtracks', `{{ "${'a'.repeat(60)}!".matches("^(a+)+$") }}`],
    [
      'a string that doubles',
      `{{ ${Array.from({ length: 40 }, () => '').reduce((text) => `(${text} + ${text})`.slice(0, 60_000), '"aaaaaaaaaaaaaaaa"')} }}`,
    ],
  ])('%s', async (_, value) => {
    const began = performance.now();
    const outcome = await outcomeOf(value).then(
      (run) => run.error?.code ?? run.output,
      (error: { code: string }) => error.code,
    );
    expect(performance.now() - began).toBeLessThan(5000);
    expect(outcome).not.toBeNull();
  });

  test('a loop that would not end stops at its bound', async () => {
    const steps = [
      {
        id: 'w',
        type: 'loop',
        while: '{{ true }}',
        max: 50,
        steps: [{ id: 'x', type: 'transform', value: 1 }],
      },
    ];
    await booted.api.saveWorkflow(JSON.stringify({ name: 'endless', steps }), 'json');
    const run = await booted.api.waitForRun((await booted.api.startRun('endless')).id);
    expect(run).toMatchObject({ status: 'failed', error: { hint: expect.any(String) } });
  });

  test('a workflow that starts itself stops at a depth', async () => {
    const steps = [{ id: 'again', type: 'run_workflow', workflow: 'mirror' }];
    await booted.api.saveWorkflow(JSON.stringify({ name: 'mirror', steps }), 'json');
    const run = await booted.api.waitForRun((await booted.api.startRun('mirror')).id);
    expect(run.status).toBe('failed');
    expect((await booted.api.runs({ workflow: 'mirror', limit: 500 })).runs.length).toBeLessThan(100);
  });
});

describe('requests', () => {
  test('a body of 10 MB', async () => {
    const body = JSON.stringify({ input: 'x'.repeat(10 * 1024 * 1024) });
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
    expect((await problem(await booted.fetch('/workflows/x/runs', init), 413)).detail).toMatch(/\d/);
  });

  test('paths that climb', async () => {
    for (const path of [
      '/../../etc/passwd',
      '/workflows/..%2f..%2fetc%2fpasswd',
      '/workflows/%2e%2e',
      '/runs/%00',
      '/%c0%ae',
    ]) {
      const answer = await raw(path);
      expect([400, 404], path).toContain(answer.status);
      expect(answer.body).not.toContain('root:');
    }
  });

  test('a wrong token, and no more said than that', async () => {
    for (const authorization of ['Bearer wrong', 'Bearer ', 'Basic YTpi', 'wrong']) {
      const answer = await fetch(`${booted.url}/api/chainbot/runs`, { headers: { authorization } });
      expect((await problem(answer, 401)).hint).toContain('token create');
    }
  });

  test('another Host', async () => {
    const answer = await raw('/health', { host: 'evil.example' });
    expect(answer.status).toBe(421);
  });

  test('headers without end', async () => {
    const answer = await raw('/health', { 'x-long': 'y'.repeat(100_000) }).catch(() => ({ status: 431 }));
    expect(answer.status).toBe(431);
  });

  test('no HTTP at all, and a client that says nothing', async () => {
    const { hostname, port } = new URL(booted.url);
    const socket = connect(Number(port), hostname);
    socket.write('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n');
    await new Promise((resolve) =>
      socket
        .once('close', resolve)
        .once('error', () => undefined)
        .resume(),
    );
    const silent = connect(Number(port), hostname);
    await new Promise((resolve) => silent.once('connect', resolve));
    silent.destroy();
  });
});

/** A request that nothing on this side tidies up. */
async function raw(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(booted.url);
  const authorization = `Bearer ${await booted.token()}`;
  return new Promise((resolve, reject) => {
    const asked = request(
      { hostname, port, path: `/api/chainbot${path}`, headers: { authorization, ...headers } },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      },
    );
    asked.once('error', reject).end();
  });
}

function bomb(): string {
  const lines = ['name: x', 'a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
  for (let level = 1; level < 12; level++)
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  return lines.join('\n');
}
