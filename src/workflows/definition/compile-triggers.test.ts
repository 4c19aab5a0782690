import { describe, expect, it } from 'vitest';
import { ChainbotError } from '#core/errors.ts';
import { transformStep } from '../steps/transform.ts';
import { parseDefinition } from './parse-definition.ts';
import { stepTypes } from './step-types.ts';

const TYPES = stepTypes([transformStep]);

/** Parses a workflow with this one trigger. */
function parse(trigger: string) {
  const source = `name: own\ntriggers:\n  - ${trigger}\nsteps:\n  - {id: a, type: transform, value: 1}\n`;
  return parseDefinition(source, 'yaml', TYPES);
}

/** `triggers[0].cron: message (hint)` of every fault. */
function faults(trigger: string): string {
  try {
    parse(trigger);
  } catch (error) {
    if (!(error instanceof ChainbotError)) throw error;
    return error.faults.map((fault) => `${fault.path}: ${fault.message} (${fault.hint ?? ''})`).join('\n');
  }
  return 'none';
}

describe('triggers that are wrong', () => {
  it.each([
    [
      '{type: shedule, cron: "* * * * *"}',
      'triggers[0].type: there is no trigger "shedule" (Did you mean "schedule"?)',
    ],
    ['{type: zzz}', 'Triggers: manual, schedule, mqtt, event, webhook, device, startup, file, run.'],
    ['{type: manual, when: "true"}', 'there is no field "when" here'],
    ['{type: schedule}', 'a schedule has cron or every; here is none'],
    ['{type: schedule, cron: "* * * * *", every: 5m}', 'here is both'],
    ['{type: schedule, every: 100ms}', 'triggers[0].every: must be at least 1s'],
    ['{type: schedule, every: soon}', 'triggers[0].every: "soon" is not a duration'],
    ['{type: schedule, every: 5m, timezone: Europe/Berlin}', 'the same in every time zone'],
    ['{type: schedule, every: 5m, limit: 3}', '`limit` goes with missed: all'],
    ['{type: schedule, every: 5m, missed: some}', 'must be skip, once or all'],
    ['{type: schedule, every: 5m, missed: all, limit: 0}', 'triggers[0].limit:'],
    ['{type: schedule, every: 5m, debounce: 0s}', 'triggers[0].debounce: must be longer than nothing'],
    [
      '{type: schedule, every: 5m, debounce: {for: 5m, max: 1m}}',
      'debounce.max: must not be shorter than `for`',
    ],
    ['{type: schedule, every: 5m, debounce: 1s, throttle: 1s}', 'a debounce or a throttle, not both'],
    ['{type: schedule, evry: 5m}', 'there is no field "evry" here (Did you mean "every"?)'],
    ['{type: event, event: a.b, enabled: "no"}', 'triggers[0].enabled: must be a boolean'],
    ['{type: webhook}', 'a webhook has one of secret, token and token_sha256; here is none'],
    ['{type: webhook, secret: a, token: b}', 'here is secret and token'],
    ['{type: webhook, token: a, signature: github}', '`signature` goes with secret'],
    ['{type: webhook, secret: a, signature: slack}', 'must be standard or github'],
    ['{type: webhook, secret: a, name: "A B"}', 'triggers[0].name: must be 1 to 63 small letters'],
    ['{type: webhook, token_sha256: abc}', 'must be 64 hexadecimal digits'],
    ['{type: webhook, secret: a, methods: [DELETE]}', 'must be POST, PUT or GET'],
    [
      '{type: webhook, secret: a, headers: [Authorization]}',
      'triggers[0].headers[0]: this header is a secret',
    ],
    ['{type: webhook, secret: a, rate: 0}', 'triggers[0].rate:'],
    [
      '{type: device, device: d, above: 3, below: 1}',
      'one of to, above, below and stale; here is above and below',
    ],
    ['{type: device, device: d, to: 1, hysteresis: 1}', '`hysteresis` goes with above or below'],
    ['{type: device, device: d, above: 1, hysteresis: -1}', 'must not be negative'],
    ['{type: device, device: d, above: 1, from: 0}', '`from` goes with `to`'],
    ['{type: device, device: d, to: 1, from: 0, for: 5s}', '`from` looks at a change'],
    ['{type: device, device: d, for: 5m}', '`for` goes with to, above, below or stale'],
    ['{type: device, device: d, stale: false}', 'is written as true, or left out'],
    ['{type: device, device: d, above: hot}', 'triggers[0].above: must be a number'],
    ['{type: file, folder: ../etc}', 'must be a folder below files_dir'],
    ['{type: file, folder: /etc}', 'must be a folder below files_dir'],
    ['{type: file, folder: in, pattern: "a/*.csv"}', 'is for the name of the file'],
    ['{type: file, folder: in, settle: 0s}', 'triggers[0].settle: must be longer than nothing'],
    ['{type: run, workflow: own}', 'would have no end'],
    ['{type: run, workflow: "No Name"}', 'is no name of a workflow'],
    ['{type: run, workflow: other, status: [broken]}', 'must be completed, failed or cancelled'],
    ['{type: startup, when: "{{ input.x }}"}', 'triggers[0].when: there is no "input" here'],
  ])('%s', (trigger, wanted) => {
    expect(faults(trigger)).toContain(wanted);
  });
});

describe('triggers that are right', () => {
  it.each([
    '{type: schedule, every: 5m, missed: all, limit: 3}',
    '{type: schedule, cron: "0 6 * * *", timezone: Europe/Berlin, missed: once, throttle: 1h}',
    '{type: webhook, secret: a, signature: github, name: in, methods: [POST, PUT], headers: [X-Any], rate: 5}',
    '{type: device, device: d, to: [a, b], from: c}',
    '{type: device, device: d, above: -15, hysteresis: 1, for: 10m}',
    '{type: startup, enabled: false}',
    '{type: file, folder: in/box, pattern: "*.csv", settle: 5s}',
    '{type: run, workflow: other, status: [failed]}',
  ])('%s', (trigger) => {
    expect(faults(trigger)).toBe('none');
  });

  it('have their times in milliseconds', () => {
    const [debounced] = parse('{type: startup, debounce: 3s}').triggers;
    expect(debounced).toMatchObject({ debounce: { forMs: 3000, maxMs: 30_000 }, throttleMs: 0 });
    const [bounded] = parse('{type: startup, debounce: {for: 3s, max: 5s}}').triggers;
    expect(bounded?.debounce).toEqual({ forMs: 3000, maxMs: 5000 });
    expect(parse('{type: startup, throttle: 1m}').triggers[0]?.throttleMs).toBe(60_000);
  });
});
