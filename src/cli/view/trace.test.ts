import { describe, expect, test } from 'vitest';
import type { RunAnswer } from '#api/contract/run.ts';
import { RUN_ID, sample } from '../../../tests/cli/samples.ts';
import { TestConsole } from '../../../tests/cli/test-console.ts';
import { Screen } from './screen.ts';
import { printTrace } from './trace.ts';

const { step } = sample;
const NOW = Date.parse(sample.LATER) + 1000;
const ERROR = {
  code: 'http.unreachable',
  message: 'no answer from the pump',
  hint: 'Is it on?',
  retryable: true,
};

function trace(run: RunAnswer, columns?: number, all = false): string {
  const terminal = new TestConsole(columns === undefined ? {} : { columns });
  printTrace(run, new Screen(terminal.io, true), NOW, all);
  return terminal.out;
}

function rounds(count: number, failing: number): RunAnswer['steps'] {
  return [
    step({ path: 'each', type: 'loop' }),
    ...Array.from({ length: count }, (_, round) =>
      step({ path: `each/${round}/tell`, status: round === failing ? 'failed' : 'completed' }),
    ),
  ];
}

describe('printTrace', () => {
  test('a tree by path with mark, type, duration, tries, and output or error with its hint', () => {
    const out = trace(
      sample.run({
        status: 'failed',
        output: null,
        error: { ...ERROR, message: 'step each/1/tell failed' },
        verbs: ['retry', 'signal'],
        steps: [
          step({ path: 'read', type: 'device_read', output: { value: 33 } }),
          step({ path: 'each', type: 'loop', status: 'failed' }),
          step({ path: 'each/0/tell', type: 'api_call', attempts: 3, output: { ok: true } }),
          step({ path: 'each/1/tell', type: 'api_call', status: 'failed', error: ERROR }),
          step({ path: 'hold', type: 'wait', status: 'waiting', ended_at: null }),
          step({ path: 'maybe', status: 'skipped' }),
        ],
      }),
    );
    expect(out).toContain(`✗ failed  greenhouse-cooling version 3  ${RUN_ID}\n`);
    expect(
      out
        .split('\n')
        .slice(5, 15)
        .map((line) => line.replace(/ +$/, '')),
    ).toEqual([
      '  ✓ read      device_read   1.3 s           {"value":33}',
      '  ✗ each      loop          1.3 s           failed',
      '    0',
      '      ✓ tell  api_call      1.3 s  3 tries  {"ok":true}',
      '    1',
      '      ✗ tell  api_call      1.3 s           failed',
      '        http.unreachable: no answer from the pump',
      '        hint: Is it on?',
      '  ◷ hold      wait         2.3 s+           waiting',
      '  – maybe     transform                     skipped',
    ]);
    expect(out).toContain('\nhttp.unreachable: step each/1/tell failed\n');
    expect(out).toContain('You may now: chainbot runs retry\n');
  });

  test('an error is said once when the run only repeats its step', () => {
    const failed = step({ path: 'tell', status: 'failed', error: ERROR });
    const out = trace(sample.run({ status: 'failed', error: ERROR, steps: [failed] }));
    expect(out.match(/no answer from the pump/g)).toHaveLength(1);
  });

  test('long loops fold to their ends and what happened in them; --all shows all', () => {
    const run = sample.run({ steps: rounds(100, 50) });
    const out = trace(run, 80);
    expect(out).toContain('… 48 more rounds, all completed (--all)');
    expect(out).toContain('… 47 more rounds, all completed (--all)');
    expect(out).toContain('✗ tell');
    expect(out.split('\n').length).toBeLessThan(24);
    expect(trace(run, 80, true).match(/tell/g)).toHaveLength(100);
    expect(trace(sample.run({ steps: rounds(6, 9) }))).not.toContain('more rounds');
  });

  test('a run that has not begun', () => {
    const out = trace(
      sample.run({ status: 'queued', started_at: null, ended_at: null, output: null, steps: [] }),
    );
    expect(out).toContain('not yet; asked for 2.3 s ago');
    expect(out).toContain('no step has begun');
  });

  test.each([30, 50, 80])('fits %i cells; errors are wrapped, not cut', (columns) => {
    const long = { ...ERROR, message: 'the pump does not answer '.repeat(6).trim() };
    const failed = step({ path: 'each/1/tell', type: 'api_call', status: 'failed', error: long });
    const out = trace(sample.run({ input: 'x'.repeat(300), steps: [failed] }), columns);
    for (const line of out.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(columns);
    expect(out.match(/pump/g)).toHaveLength(6);
  });
});
