import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import type { JsonObject } from '#core/json.ts';
import { type Log, silentLog } from '#core/log.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import type { StepContext, StepType } from '../port.ts';
import type { RunDetail } from '../runs-port.ts';

const TOKEN = 'tok-8c1fe0b2-very-secret';
const PIN = '483920';

let rig: EngineRig;
/** What the step was given, and what it does with it. */
let given: JsonObject[];
let act: (fields: JsonObject, context: StepContext) => unknown;
let asked: string[];
let lines: unknown[];

const call: StepType = {
  type: 'call',
  secretFields: ['headers', 'body'],
  check: () => [],
  onInterrupt: () => 'retry',
  run: async (fields, context) => {
    given.push(fields);
    return act(fields, context);
  },
};

const hearing: Log = {
  ...silentLog,
  warn: (...line) => void lines.push(line),
  error: (...line) => void lines.push(line),
  child: () => hearing,
};

beforeEach(async () => {
  [given, asked, lines] = [[], [], []];
  act = (fields) => ({ echo: fields });
  rig = new EngineRig();
  rig.types = [call];
  rig.daemonLog = hearing;
  rig.secrets = {
    get(name, concealer) {
      asked.push(name);
      const value = { token: TOKEN, pin: PIN, json: `{"key": "${TOKEN}"}` }[name];
      if (value === undefined) throw new TerminalError('not_found', 'secret.not_found', `no "${name}"`);
      concealer.conceal(name, [value]);
      return value;
    },
  };
  await rig.open();
});
afterEach(() => rig.close());

async function run(fields: object, more: object = {}): Promise<RunDetail> {
  await rig.save({
    name: 'w',
    steps: [
      { id: 'a', type: 'call', ...fields, ...more },
      { id: 'b', type: 'transform', value: '{{ steps.a }}' },
    ],
  });
  const { id } = await rig.engine.runs.start({ workflow: 'w', actor: SYSTEM });
  return rig.end(id);
}

/** Everything there is of the run, and everything in the database. */
function everything(detail: RunDetail): string {
  const tables = rig.store.rows<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  const rows = tables.map(({ name }) => rig.store.rows(`SELECT * FROM ${name}`));
  return JSON.stringify([detail, rows, lines]);
}

test('a step is given the secret; its output, the trace and the log of events have none of it', async () => {
  const detail = await run({
    headers: { authorization: "Bearer {{ secret('token') }}" },
    body: { pin: "{{ secret('pin') }}" },
  });
  expect(given).toEqual([{ headers: { authorization: `Bearer ${TOKEN}` }, body: { pin: PIN } }]);
  expect(detail.status).toBe('completed');
  expect(detail.output).toMatchObject({
    output: { echo: { headers: { authorization: 'Bearer [secret token]' }, body: { pin: '[secret pin]' } } },
  });
  expect(everything(detail)).not.toMatch(new RegExp(`${TOKEN}|${PIN}`));
});

test('a number that is the secret, a key, its base64 and its place in a URL', async () => {
  act = () => ({
    code: Number(PIN),
    [TOKEN]: 1,
    basic: Buffer.from(`ada:${TOKEN}`).toString('base64'),
    deep: [[`https://h/?t=${encodeURIComponent(TOKEN)}`]],
  });
  const detail = await run({ body: "{{ secret('token') + secret('pin') }}" });
  expect(everything(detail)).not.toMatch(
    new RegExp(`${TOKEN}|${PIN}|${Buffer.from(TOKEN.slice(3, 12)).toString('base64').slice(1, -2)}`),
  );
});

test('errors of every attempt, their hints and what they carry', async () => {
  act = (_fields, { attempt }) => {
    const what = { hint: `is ${TOKEN} right?`, extra: { sent: TOKEN } };
    if (attempt < 3) throw new RetryableError('call.again', `refused ${TOKEN.slice(0, 12)}…`, what);
    throw new TerminalError('failed', 'call.failed', `refused ${TOKEN}`, what);
  };
  const fields = { body: "{{ secret('token') }}" };
  const detail = await run(fields, { retry: { max_attempts: 5, delay: '1s', jitter: false } });
  expect(detail.error).toMatchObject({
    code: 'call.failed',
    message: 'refused [secret token]',
    sent: '[secret token]',
  });
  expect(detail.steps[0]?.history[0]?.error.message).toBe('refused [secret token]…');
  expect(everything(detail)).not.toContain(TOKEN.slice(0, 12));
  expect(asked).toEqual(['token', 'token', 'token']);
});

test('what an expression makes of a secret is kept like the secret', async () => {
  const detail = await run({
    body: { key: "{{ json.decode(secret('json')).key }}", part: "{{ secret('token').substring(0, 12) }}" },
  });
  expect(given[0]).toEqual({ body: { key: TOKEN, part: TOKEN.slice(0, 12) } });
  expect(everything(detail)).not.toContain(TOKEN.slice(0, 12));
});

test('what a failing expression says of a secret', async () => {
  const detail = await run({ body: "{{ input[secret('token')] }}" });
  expect(detail.status).toBe('failed');
  expect(detail.error?.message).toContain('no such key');
  expect(everything(detail)).not.toContain(TOKEN);
});

test('the log lines of a step, also of what it learns on its way', async () => {
  act = (_fields, context) => {
    context.log.warn(
      { got: `x ${TOKEN}`, err: new Error(`no ${TOKEN}`, { cause: new Error(TOKEN) }) },
      `for ${TOKEN}`,
    );
    context.conceal('later', ['another-secret']);
    context.log.child({ sent: 'another-secret' }).error({ n: 1 }, 'another-secret');
    return 'another-secret';
  };
  const detail = await run({ body: "{{ secret('token') }}" });
  expect(lines).toHaveLength(2);
  expect(detail.steps[0]?.output).toBe('[secret later]');
  expect(everything(detail)).not.toMatch(new RegExp(`${TOKEN}|another-secret`));
});

test('a secret that is not there fails the step when it runs', async () => {
  const detail = await run({ body: "{{ secret('tokn') }}" });
  expect(detail.error).toMatchObject({ code: 'secret.not_found', step: 'a' });
  expect(given).toEqual([]);
});

test('after the power went, the secret is asked for anew', async () => {
  let hang = true;
  act = () => (hang ? new Promise(() => undefined) : 'done');
  await rig.save({ name: 'w', steps: [{ id: 'a', type: 'call', body: "{{ secret('token') }}" }] });
  const { id } = await rig.engine.runs.start({ workflow: 'w', actor: SYSTEM });
  await rig.settle();
  hang = false;
  await rig.crash();
  expect((await rig.end(id)).output).toBe('done');
  expect(asked).toEqual(['token', 'token']);
});

test('without a vault, as in a trial, a step is given the name of the secret', async () => {
  await rig.engine.stop();
  rig.secrets = undefined;
  await rig.crash();
  const detail = await run({ body: "x {{ secret('token') }}" });
  expect(given).toEqual([{ body: 'x [secret token]' }]);
  expect(detail.output).toMatchObject({ output: { echo: { body: 'x [secret token]' } } });
});

describe('where secrets may not stand', () => {
  test.each([
    [{ url: "{{ secret('token') }}" }, 'steps[0].url'],
    [{ when: "secret('token') == 'x'" }, 'steps[0].when'],
    [{ timeout: "{{ secret('token') }}" }, 'steps[0].timeout'],
    [{ id: 'a', type: 'transform', value: { x: ["{{ secret('token') }}"] } }, 'steps[0].value.x[0]'],
  ])('%j', async (fields, path) => {
    const source = JSON.stringify({ name: 'w', steps: [{ id: 'a', type: 'call', ...fields }] }, null, 2);
    const error = await rig.catalog.save(source, 'json', SYSTEM).then(
      () => undefined,
      (refused: TerminalError) => refused,
    );
    expect(error?.faults).toMatchObject([
      {
        path,
        message: expect.stringContaining("secret('token') cannot stand here"),
        line: expect.any(Number),
        column: expect.any(Number),
      },
    ]);
  });

  test('the output, the variables and a trigger', async () => {
    const source = {
      name: 'w',
      vars: { a: "{{ secret('a') }}" },
      output: "{{ secret('b') }}",
      triggers: [{ type: 'event', event: 'x', input: { c: "{{ secret('c') }}" } }],
      steps: [{ id: 'a', type: 'transform', value: 1 }],
    };
    await expect(rig.catalog.save(JSON.stringify(source), 'json', SYSTEM)).rejects.toMatchObject({
      faults: [{ path: expect.stringContaining('') }, {}, {}],
    });
  });

  test.each([
    '{{ secret(input.name) }}',
    "{{ secret('a', 'b') }}",
    '{{ secret() }}',
    "{{ 'a'.map(secret('x')) }}",
  ])('%s is not how it is written', async (body) => {
    const source = JSON.stringify({ name: 'w', steps: [{ id: 'a', type: 'call', body }] });
    await expect(rig.catalog.save(source, 'json', SYSTEM)).rejects.toMatchObject({
      code: 'workflow.invalid',
    });
  });
});
