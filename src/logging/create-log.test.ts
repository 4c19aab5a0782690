import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { redactText } from '#core/redact.ts';
import { createLog, type LogOptions } from './create-log.ts';

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLog({ level: 'debug', pretty: false, destination, ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') };
}

test('one JSON object per line with its fields, and nothing below the level', () => {
  const { log, lines, last } = capture();
  log.child({ run: 'r1' }).child({ step: 'a/0' }).info({ event: 7 }, 'done');
  expect(last()).toEqual({
    level: 'info',
    time: expect.any(Number),
    run: 'r1',
    step: 'a/0',
    event: 7,
    msg: 'done',
  });
  log.trace({}, 'not said');
  expect(lines).toHaveLength(1);
  for (const level of ['debug', 'warn', 'error'] as const) {
    log[level]({}, level);
    expect(last()).toMatchObject({ level, msg: level });
  }
});

test('secrets by the name of their key, to the depth of three, in lists and in children', () => {
  const { log, last, lines } = capture();
  const fields = {
    token: 'hidden',
    Authorization: 'hidden',
    a: { password: 'hidden', b: { secret: { deep: 'hidden' }, c: { cookie: 'hidden' } } },
    list: [{ secret_key: 'hidden' }, 'plain'],
    kept: { tokens: 3, secret: null },
  };
  const before = structuredClone(fields);
  log.info(fields, 'x');
  log
    .child({ token: 'hidden' })
    .child({ auth: { password: 'hidden' } })
    .info({}, 'y');
  expect(lines.join('')).not.toContain('hidden');
  expect(last()).toMatchObject({ token: '[redacted]', auth: { password: '[redacted]' } });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    list: [{ secret_key: '[redacted]' }, 'plain'],
    kept: before.kept,
  });
  expect(fields).toEqual(before);
});

test('secrets by their look, in messages and fields', () => {
  const { log, last } = capture();
  log.warn({ url: 'mqtt://ada:s3cret@h:1', header: 'Basic dXNlcjpwYXNz' }, 'sent Bearer abc.DEF-123 to h');
  expect(last()).toMatchObject({
    url: 'mqtt://[redacted]@h:1',
    header: 'Basic [redacted]',
    msg: 'sent Bearer [redacted] to h',
  });
  expect(redactText('mail me at a@b.org, bearer of news')).toBe('mail me at a@b.org, bearer of news');
});

test('errors carry code, hint, faults and causes', () => {
  const { log, last } = capture();
  const cause = new RetryableError('http.timeout', 'GET http://u:p@h timed out', {
    cause: { token: 'x', status: 5 },
  });
  const faults = [{ path: 'a', message: 'b' }];
  log.error(
    { err: new TerminalError('failed', 'x.y', 'went wrong', { hint: 'Do it.', cause, faults }) },
    'z',
  );
  expect(last().err).toMatchObject({
    type: 'TerminalError',
    code: 'x.y',
    message: 'went wrong',
    hint: 'Do it.',
    retryable: false,
    faults,
    stack: expect.stringContaining('create-log.test'),
    cause: {
      type: 'RetryableError',
      message: 'GET http://[redacted]@h timed out',
      retryable: true,
      cause: { token: '[redacted]', status: 5 },
    },
  });
  log.error({ err: new AggregateError([new Error('one'), 'two'], 'both') }, 'z');
  expect(last().err).toMatchObject({ message: 'both', errors: [{ message: 'one' }, 'two'] });
  log.error(Object.assign(new Error('bare'), { code: 'EIO', stack: undefined }), undefined as never);
  expect(last()).toMatchObject({ msg: 'bare', err: { code: 'EIO' } });
});

test('a chain of causes that bites its tail ends', () => {
  const { log, last } = capture();
  const error = new Error('round');
  error.cause = error;
  log.error({ err: error }, 'x');
  expect(JSON.stringify(last()).match(/"message":"round"/g)).toHaveLength(5);
});

test('values with a form of their own keep it', () => {
  const { log, last } = capture();
  log.info({ at: new Date(0), nothing: undefined, none: null, n: 1 }, 'x');
  expect(last()).toMatchObject({ at: '1970-01-01T00:00:00.000Z', none: null, n: 1 });
});

test('lines for people, without colours when they go elsewhere', () => {
  const { log, lines } = capture({ pretty: true });
  log.child({ run: 'r1', token: 'x' }).info({ step: 's' }, 'hello');
  expect(lines.join('')).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: hello \{"run":"r1","token":"\[redacted\]","step":"s"\}\n$/,
  );
});

test('auto: JSON where standard output is no terminal', () => {
  const { log, last } = capture({ pretty: 'auto' });
  log.info({}, 'x');
  expect(last()).toMatchObject({ msg: 'x' });
});

test('standard output is the default', () => {
  expect(() => createLog({ level: 'silent', pretty: false }).info({}, 'x')).not.toThrow();
  expect(() => createLog({ level: 'silent', pretty: true }).info({}, 'x')).not.toThrow();
});
