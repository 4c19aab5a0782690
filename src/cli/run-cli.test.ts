import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OTHER_RUN_ID, RUN_ID, sample } from '../../tests/cli/samples.ts';
import { TestConsole, type TestRun, type TestTerminal } from '../../tests/cli/test-console.ts';
import { type TestAnswer, TestDaemon } from '../../tests/cli/test-daemon.ts';
import { RUN_STATUSES } from './run-status.ts';

let daemon: TestDaemon;
beforeEach(async () => {
  daemon = await new TestDaemon().start();
});
afterEach(() => daemon.stop());

function cli(argv: readonly string[], terminal: TestTerminal = {}): Promise<TestRun> {
  const environment = { socket: daemon.socket, ...terminal.environment };
  return new TestConsole({ cwd: daemon.folder, ...terminal, environment }).run(...argv);
}

function bodyOf(route: string): unknown {
  return (sample.routes[route] as TestAnswer).body;
}

describe('--json prints what the API answered, and nothing else', () => {
  test.each([
    [['workflows', 'list'], 'GET /workflows'],
    [['workflows', 'show', 'greenhouse-cooling'], 'GET /workflows/greenhouse-cooling'],
    [['workflows', 'versions', 'greenhouse-cooling'], 'GET /workflows/greenhouse-cooling/versions'],
    [['run', 'greenhouse-cooling'], 'POST /workflows/greenhouse-cooling/runs'],
    [['runs', 'list'], 'GET /runs'],
    [['runs', 'show', RUN_ID], `GET /runs/${RUN_ID}`],
    [['devices', 'list'], 'GET /devices'],
    [['devices', 'show', 'greenhouse_fan'], 'GET /devices/greenhouse_fan'],
    [['devices', 'read', 'greenhouse_temp'], 'POST /devices/greenhouse_temp/read'],
    [['devices', 'write', 'greenhouse_fan', 'on'], 'POST /devices/greenhouse_fan'],
    [['sim', 'set', 'greenhouse_temp', '33'], 'POST /simulator/greenhouse_temp'],
    [['events'], 'GET /events'],
    [['token', 'create', '--name', 'pi'], 'POST /tokens'],
    [['token', 'list'], 'GET /tokens'],
    [['approvals', 'list'], 'GET /approvals'],
    [['approvals', 'approve', 'ap1'], 'POST /approvals/ap1/approve'],
    [['notifications', 'list'], 'GET /notifications'],
    [['notifications', 'acknowledge', 'n1'], 'POST /notifications/n1/acknowledge'],
    [['outbox', 'list'], 'GET /outbox'],
    [['outbox', 'retry', 'e1'], 'POST /outbox/e1/retry'],
    [['outbox', 'withdraw', 'e1…'], 'POST /outbox/e1/withdraw'],
    [['triggers', 'list'], 'GET /triggers'],
  ])('%j', async (argv, route) => {
    const { code, out, err } = await cli([...argv, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual(bodyOf(route));
    expect(out.trimEnd()).not.toContain('\n');
  });

  test('the option may also stand in front, and is indented on a terminal', async () => {
    const { out } = await cli(['--json', 'token', 'list'], { columns: 80 });
    expect(JSON.parse(out)).toEqual(bodyOf('GET /tokens'));
    expect(out.split('\n').length).toBeGreaterThan(3);
  });

  test('workflows add, remove and token revoke', async () => {
    const added = await cli(['workflows', 'add', '-', '--json'], { stdin: 'name: x' });
    expect(JSON.parse(added.out)).toEqual(bodyOf('POST /workflows'));
    const removed = await cli(['workflows', 'remove', 'greenhouse-cooling', '--json']);
    expect(JSON.parse(removed.out)).toEqual({ name: 'greenhouse-cooling', removed: true });
    const revoked = await cli(['token', 'revoke', 'ci', '--json']);
    expect(JSON.parse(revoked.out)).toEqual({ id: 'tok-1', revoked: true });
  });
});

describe('status and health', () => {
  test('status is one screen with addresses, broker, counts and what is not well', async () => {
    const { code, out } = await cli(['status'], { columns: 80 });
    expect(code).toBe(0);
    for (const part of [
      '0.1.0',
      'degraded (80 %)',
      'http://127.0.0.1:8000',
      'mqtt://127.0.0.1:1883 (embedded, connected)',
      '2 active',
      '2, of which 1 without',
      'the broker is away',
      'remedy: Start it.',
    ]) {
      expect(out).toContain(part);
    }
    expect(out.split('\n').length).toBeLessThan(24);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('a degraded daemon still shows its status', async () => {
    for (const route of ['GET /runs', 'GET /devices', 'GET /workflows']) {
      daemon.refuse(route, { status: 503, code: 'store.degraded' });
    }
    const { code, out } = await cli(['status']);
    expect(code).toBe(0);
    expect(out.match(/not known now/g)).toHaveLength(3);
  });

  test('status --json', async () => {
    const answer = JSON.parse((await cli(['status', '--json'])).out);
    expect(answer).toMatchObject({
      info: { pid: 4321 },
      health: { score: 0.8 },
      workflows: 1,
      runs: { active: 2 },
    });
  });

  test('health exits 1 when it is not ok, 0 when it is', async () => {
    const { code, out } = await cli(['health']);
    expect(code).toBe(1);
    expect(out).toMatch(/mqtt +50 %/);
    daemon.on('GET /health', { body: { status: 'ok', score: 1, parts: [] } });
    expect((await cli(['health', '--json'])).code).toBe(0);
  });

  test('a failed daemon answers health with 503, and that is an answer', async () => {
    daemon.on('GET /health', { status: 503, body: { status: 'failed', score: 0.1, parts: [] } });
    const { code, out } = await cli(['health']);
    expect({ code, out: out.split('\n')[0] }).toEqual({ code: 1, out: 'failed (10 %)' });
  });

  test('version works with and without a daemon', async () => {
    expect((await cli(['version'])).out).toMatch(/chainbot \d+\.\d+\.\d+\ndaemon {3}0\.1\.0/);
    const alone = await cli(['version'], { environment: { socket: '/nowhere.sock' } });
    expect(alone).toMatchObject({ code: 0, out: expect.stringContaining('not reached') });
    expect(JSON.parse((await cli(['version', '--json'])).out).daemon).toBe('0.1.0');
    expect((await cli(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('workflows', () => {
  test('list and show', async () => {
    const list = await cli(['workflows', 'list']);
    expect(list.out).toMatch(/greenhouse-cooling +3 +mqtt greenhouse\/report, schedule \*\/5/);
    const show = await cli(['workflows', 'show', 'greenhouse-cooling', '--version', '3'], { columns: 100 });
    for (const part of [
      'default 28',
      'then:',
      'fan',
      'device: greenhouse_fan',
      'a:',
      'tell',
      'when {{ true }}',
    ]) {
      expect(show.out).toContain(part);
    }
    expect(daemon.requests.at(-1)?.path).toBe('/workflows/greenhouse-cooling?version=3');
  });

  test('show --source prints the text as it was given', async () => {
    const { out } = await cli(['workflows', 'show', 'greenhouse-cooling', '--source']);
    expect(out).toBe('name: greenhouse-cooling # kept\n');
  });

  test('versions and remove', async () => {
    expect((await cli(['workflows', 'versions', 'greenhouse-cooling'])).out).toContain('token:ci');
    expect((await cli(['workflows', 'remove', 'greenhouse-cooling'])).out).toContain('out of use');
  });

  test.each([
    ['flow.yaml', 'name: x', 'application/yaml'],
    ['flow.json', '{"name": "x"}', 'application/json'],
    ['flow', '{"name": "x"}', 'application/json'],
    ['flow.txt', 'name: x', 'application/yaml'],
  ])('add %s', async (file, text, type) => {
    writeFileSync(join(daemon.folder, file), text);
    const { code, out } = await cli(['workflows', 'add', file]);
    expect({ code, out }).toEqual({ code: 0, out: 'greenhouse-cooling stored as version 4\n' });
    expect(daemon.requests.at(-1)).toMatchObject({ body: text, headers: { 'content-type': type } });
  });

  test('add of the same definition says that nothing changed', async () => {
    daemon.on('POST /workflows', { status: 200, body: bodyOf('POST /workflows') });
    const { out } = await cli(['workflows', 'add', '-'], { stdin: 'name: x' });
    expect(out).toBe('greenhouse-cooling is unchanged, version 4\n');
  });

  test('each fault is named with its file, line and column, and its hint', async () => {
    writeFileSync(join(daemon.folder, 'bad.yaml'), 'x');
    daemon.refuse('POST /workflows', {
      status: 400,
      code: 'workflow.invalid',
      detail: 'the workflow has 2 faults',
      hint: 'Mend them.',
      faults: [
        { path: 'steps/2/url', message: 'must be an address', line: 12, column: 5, hint: 'http://…' },
        { path: 'name', message: 'is missing' },
      ],
    });
    const { code, out, err } = await cli(['workflows', 'add', 'bad.yaml']);
    expect({ code, out }).toEqual({ code: 5, out: '' });
    expect(err).toBe(
      [
        'chainbot: the workflow has 2 faults (workflow.invalid)',
        '  bad.yaml:12:5 steps/2/url: must be an address',
        '    hint: http://…',
        '  bad.yaml name: is missing',
        '  hint: Mend them.',
        '',
      ].join('\n'),
    );
  });

  test('a hint that a fault has said already is not said again', async () => {
    daemon.refuse('POST /workflows', {
      status: 400,
      code: 'workflow.invalid',
      hint: 'Mend it.',
      faults: [{ path: 'name', message: 'is wrong', hint: 'Mend it.' }],
    });
    const { err } = await cli(['workflows', 'add', '-'], { stdin: 'name: x' });
    expect(err.match(/Mend it\./g)).toHaveLength(1);
  });

  test('a file that is not there', async () => {
    const { code, err } = await cli(['workflows', 'add', 'nowhere.yaml']);
    expect(code).toBe(2);
    expect(err).toContain('there is no such file');
    expect((await cli(['workflows', 'add', '.'])).err).toContain('it is a folder');
  });
});

describe('runs', () => {
  test('run prints the id alone, so that a shell can take it', async () => {
    const { out, err } = await cli([
      'run',
      'greenhouse-cooling',
      '--input',
      '{"limit": 28}',
      '--idempotency-key',
      'k"1',
    ]);
    expect({ out, err }).toEqual({ out: `${RUN_ID}\n`, err: '' });
    const request = daemon.requests.at(-1);
    expect(JSON.parse(request?.body ?? '')).toEqual({ input: { limit: 28 } });
    expect(request?.headers['idempotency-key']).toBe('"k\\"1"');
  });

  test('input from a file and from standard input', async () => {
    writeFileSync(join(daemon.folder, 'in.json'), '[1]');
    await cli(['run', 'greenhouse-cooling', '-i', '@in.json', '--version', '2']);
    expect(JSON.parse(daemon.requests.at(-1)?.body ?? '')).toEqual({ input: [1], version: 2 });
    await cli(['run', 'greenhouse-cooling', '-i', '-'], { stdin: '{"a": null}' });
    expect(JSON.parse(daemon.requests.at(-1)?.body ?? '')).toEqual({ input: { a: null } });
  });

  test('on a terminal it says how to go on', async () => {
    const { out, err } = await cli(['run', 'greenhouse-cooling'], { columns: 80 });
    expect(out).toBe(`${RUN_ID}\n`);
    expect(err).toContain(`chainbot runs follow ${RUN_ID}`);
  });

  test('list with filters and a next page', async () => {
    daemon.on('GET /runs', { body: { runs: [sample.summary()], next: 'abc' } });
    const { out, err } = await cli([
      'runs',
      'list',
      '--workflow',
      'w',
      '--status',
      'failed,running',
      '--status',
      'paused',
      '-n',
      '1',
    ]);
    expect(daemon.requests.at(-1)?.path).toBe('/runs?workflow=w&status=failed%2Crunning%2Cpaused&limit=1');
    expect(out).toMatch(new RegExp(`${RUN_ID} +greenhouse-cooling v3 +✓ completed`));
    expect(err).toContain('--cursor abc');
  });

  test('every verb is asked of the API and answers with the status', async () => {
    for (const verb of ['cancel', 'pause', 'resume', 'retry']) {
      daemon.on(`POST /runs/${RUN_ID}/${verb}`, { body: sample.summary({ status: 'paused' }) });
      const { code, out } = await cli(['runs', verb, RUN_ID]);
      expect({ code, out }).toEqual({ code: 0, out: `‖ paused  greenhouse-cooling  ${RUN_ID}\n` });
      expect(JSON.parse((await cli(['runs', verb, RUN_ID, '--json'])).out).status).toBe('paused');
    }
  });

  test('signal with a payload', async () => {
    daemon.on(`POST /runs/${RUN_ID}/signal`, { body: sample.summary() });
    const { out } = await cli(['runs', 'signal', RUN_ID, 'approve', '--payload', '{"by": "me"}']);
    expect(out).toContain('approve given');
    expect(JSON.parse(daemon.requests.at(-1)?.body ?? '')).toEqual({
      name: 'approve',
      payload: { by: 'me' },
    });
    expect(JSON.parse((await cli(['runs', 'signal', RUN_ID, 'x', '--json'])).out).id).toBe(RUN_ID);
  });

  test('a run by the beginning of its id, as a table cut it, or as last', async () => {
    for (const text of ['019a9f00-1', '019A9F00-11…', 'last']) {
      expect((await cli(['runs', 'show', text, '--json'])).out).toContain(RUN_ID);
    }
    const ambiguous = await cli(['runs', 'show', '019a9f00']);
    expect(ambiguous.code).toBe(2);
    expect(ambiguous.err).toContain(OTHER_RUN_ID);
    expect((await cli(['runs', 'show', 'ffff'])).code).toBe(4);
  });

  test('the statuses are those of the contract', async () => {
    const { RUN_STATUSES: contract } = await import('#api/contract/run.ts');
    expect(RUN_STATUSES).toEqual(contract);
  });
});

describe('things and records', () => {
  test('devices', async () => {
    const list = (await cli(['devices', 'list'])).out;
    expect(list).toMatch(/greenhouse_temp +21\.5 °C +good/);
    expect(list).toMatch(/greenhouse_fan +off +stale/);
    expect((await cli(['devices', 'show', 'greenhouse_fan'])).out).toMatch(/wanted +on\nsafe +off/);
    expect((await cli(['devices', 'read', 'greenhouse_temp'])).out).toBe('greenhouse_temp 33.123 °C\n');
  });

  test.each([
    ['on', true],
    ['-5.5', -5.5],
    ['"5"', '5'],
    ['warm', 'warm'],
  ])('devices write sends %s as %j', async (text, value) => {
    await cli(['devices', 'write', 'greenhouse_fan', text, '--pulse', '1500ms']);
    expect(JSON.parse(daemon.requests.at(-1)?.body ?? '')).toEqual({ value, pulse_for: 1.5 });
  });

  test('sim set', async () => {
    expect((await cli(['sim', 'set', 'greenhouse_temp', '33'])).out).toBe('greenhouse_temp 33 °C\n');
  });

  test('events', async () => {
    const { out } = await cli(['events', '--type', 'a.*,b', '--since', '3', '-n', '5', '--subject', 'run/1']);
    expect(daemon.requests.at(-1)?.path).toBe('/events?subject=run%2F1&after=3&limit=5&type=a.*%2Cb');
    expect(out).toMatch(/ {5}7 {2}2026-.* {2}chainbot\.device\.changed {2}device\/greenhouse_temp/);
    daemon.on('GET /events', { body: { ...(bodyOf('GET /events') as object), events: [] } });
    expect((await cli(['events'])).err).toContain('no such events');
  });

  test('tokens and notifications', async () => {
    const made = await cli(['token', 'create', '--name', 'pi']);
    expect(made.out).toBe('secret-text\n');
    expect(made.err).toContain('only time');
    expect((await cli(['token', 'list'])).out).toMatch(/ci +tok-1 .* never/);
    expect((await cli(['token', 'revoke', 'ci'])).out).toContain('ci does not work any more');
    expect(daemon.requests.at(-1)?.path).toBe('/tokens/tok-1');
    expect((await cli(['token', 'revoke', 'nobody'])).code).toBe(4);
    expect((await cli(['notifications', 'list', '-n', '3'])).out).toContain('The greenhouse is at 33 °C');
    expect((await cli(['notifications', 'acknowledge', 'n'])).out).toBe('"Hot" is acknowledged\n');
    expect((await cli(['notifications', 'acknowledge', 'x'])).code).toBe(4);
  });

  test('approvals: what is asked, and the answers', async () => {
    const { out } = await cli(['approvals', 'list'], { columns: 160 });
    expect(out).toMatch(/open +Open the valve\? +cooling +2026-03-01 .*, then reject +It is wet. +ap1/);
    expect(daemon.requests.at(-1)?.path).toContain('status=open');
    await cli(['approvals', 'list', '--all', '-n', '5']);
    expect(daemon.requests.at(-1)?.path).toContain('status=all');
    const yes = await cli(['approvals', 'approve', 'ap', '--comment', 'go']);
    expect(yes.out).toMatch(/^"Open the valve\?" is approved; run \S+ goes on\n$/);
    expect(daemon.requests.at(-1)?.body).toBe('{"comment":"go"}');
    expect((await cli(['approvals', 'reject', 'ap1'])).out).toContain('is rejected');
    expect((await cli(['approvals', 'reject', 'x'])).code).toBe(4);
    expect((await cli(['approvals', 'list', '--json'])).out).toContain('"approvals"');
  });

  test('e-mail that waits, and what to do with it', async () => {
    const { out } = await cli(['outbox', 'list'], { columns: 160 });
    expect(out).toMatch(/queued +ann@example.org +Too hot +the mail server mail.example cannot be used +e1/);
    expect(out).toMatch(/sent .* not for bob@example.org +e2/);
    expect((await cli(['outbox', 'list', '--status', 'lost'])).code).toBe(2);
    expect((await cli(['complete', 'email'])).out).toBe('e1\tqueued Too hot\n');
    expect((await cli(['complete', 'notification'])).out).toBe('n1\tHot\n');
    expect((await cli(['outbox', 'retry', 'e1'])).out).toBe('"Too hot" is tried again\n');
    expect((await cli(['outbox', 'withdraw', 'e1'])).out).toBe('"Too hot" is not sent any more\n');
    const both = await cli(['outbox', 'retry', 'e']);
    expect(both.err).toContain('the beginning of 2 ids');
  });

  test('triggers: what, when, and what holds them up', async () => {
    const { out } = await cli(['triggers', 'list']);
    expect(out).toMatch(/cooling +manual +- +- +on/);
    expect(out).toMatch(/schedule \*\/5 \* \* \* \* +2026-03-01 .*on/);
    expect(out).toMatch(/device freezer above -15 for 10m .*held: there is no device "freezer"/);
    expect(out).toMatch(/webhook shop .*off/);
    expect(out).toMatch(/mqtt t .*waits until 2026-03-01/);
    expect(out).toContain('The clock is an estimate');
    expect((await cli(['triggers', 'list', '--workflow', 'other'])).out).not.toContain('cooling');
  });

  test('an empty list says what to do, beside the output', async () => {
    daemon.on('GET /workflows', { body: { workflows: [] } });
    const { out, err } = await cli(['workflows', 'list']);
    expect(out).toBe('');
    expect(err).toContain('chainbot workflows add FILE');
  });
});

describe('terminals', () => {
  test.each([40, 60, 80, 120, 200])('no line of a table is wider than %i cells', async (columns) => {
    for (const argv of [
      ['runs', 'list'],
      ['devices', 'list'],
      ['workflows', 'list'],
      ['notifications', 'list'],
      ['outbox', 'list'],
      ['token', 'list'],
      ['events'],
      ['workflows', 'show', 'greenhouse-cooling'],
    ]) {
      const { out } = await cli(argv, { columns });
      for (const line of out.split('\n'))
        expect(line.length, `${argv.join(' ')}: ${line}`).toBeLessThanOrEqual(columns);
    }
  });

  test('a narrow terminal keeps what matters and cuts the rest with …', async () => {
    const { out } = await cli(['runs', 'list'], { columns: 44 });
    expect(out).toContain('✓ completed');
    expect(out).toContain('…');
    expect(out).not.toContain('BEGAN');
  });

  test('colour only on a terminal, without NO_COLOR and --no-color', async () => {
    const environment = { noColor: false };
    const list = ['runs', 'list'];
    expect((await cli(list, { columns: 100, environment })).out).toContain('\u001b[32m');
    expect((await cli(list, { environment })).out).not.toContain('\u001b');
    expect((await cli([...list, '--no-color'], { columns: 100, environment })).out).not.toContain('\u001b');
    expect((await cli(list, { columns: 100 })).out).not.toContain('\u001b');
  });

  test('a locale without UTF-8 gets ASCII marks', async () => {
    const { out } = await cli(['runs', 'list'], { columns: 50, environment: { unicode: false } });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is tested for
    expect(out).toMatch(/^[\x00-\x7f]*$/);
  });

  test('what comes from outside cannot drive the terminal', async () => {
    const evil = sample.summary({ workflow: 'a\u001b[2Jb\nc\u202e' });
    daemon.on('GET /runs', { body: { runs: [evil], next: null } });
    const { out } = await cli(['runs', 'list'], { columns: 200 });
    expect(out).not.toContain('\u001b');
    expect(out).not.toContain('\u202e');
    expect(out.trimEnd().split('\n')).toHaveLength(2);
  });
});
