import { expect, test } from 'vitest';
import { metricsText } from './metrics-text.ts';

test('names, labels and odd values in the text format', () => {
  const text = metricsText([
    {
      name: 'steps_total',
      help: 'Steps,\nby "type" \\ status.',
      type: 'counter',
      samples: [
        { value: 3, labels: { type: 'a"b\\c\nd', status: 'failed' } },
        { value: 0.25 },
        { value: Number.NaN, labels: {} },
        { value: Number.POSITIVE_INFINITY },
        { value: Number.NEGATIVE_INFINITY },
      ],
    },
    { name: 'idle', help: 'Nothing.', type: 'gauge', samples: [] },
  ]);
  expect(text.split('\n')).toEqual([
    '# HELP chainbot_steps_total Steps,\\nby "type" \\\\ status.',
    '# TYPE chainbot_steps_total counter',
    'chainbot_steps_total{type="a\\"b\\\\c\\nd",status="failed"} 3',
    'chainbot_steps_total 0.25',
    'chainbot_steps_total NaN',
    'chainbot_steps_total +Inf',
    'chainbot_steps_total -Inf',
    '# HELP chainbot_idle Nothing.',
    '# TYPE chainbot_idle gauge',
    '',
  ]);
});
