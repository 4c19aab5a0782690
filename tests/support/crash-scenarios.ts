import { controlScenarios } from './control-scenarios.ts';
import type { Scenario } from './crash-check.ts';

export const act = (id: string, more: object = {}) => ({ id, type: 'act', ...more });
export const choice = (id: string, test: unknown, yes: object[], no: object[], more: object = {}) => ({
  ...more,
  ...{ id, type: 'condition', if: test, else: no },
  // biome-ignore lint/suspicious/noThenProperty: the definition's own word.
  then: yes,
});
const SYSTEM = { kind: 'system', id: 'test' } as const;

/** One of each kind of workflow. */
export const scenarios: Record<string, Scenario> = {
  'steps one after the other': {
    workflows: [
      {
        name: 'w',
        steps: [act('a', { value: 1 }), act('b', { value: '{{ steps.a.output + 1 }}' }), act('c')],
        output: '{{ [steps.a.output, steps.b.output, steps.c.output] }}',
      },
    ],
  },
  'when skips': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a', { when: '{{ false }}' }),
          act('b'),
          act('c', { when: "{{ steps.a.status == 'skipped' }}" }),
          act('d', { when: false }),
        ],
        output: '{{ [steps.a.status, steps.b.output, steps.c.output, steps.d.output] }}',
      },
    ],
  },
  conditions: {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a', { value: 3 }),
          choice(
            'c',
            '{{ steps.a.output > 2 }}',
            [act('y'), choice('cc', false, [act('n')], [act('z')])],
            [act('x')],
          ),
          act('b', { value: '{{ steps.z.output }}' }),
        ],
        output: '{{ [steps.c.output.branch, steps.b.output] }}',
      },
    ],
  },
  'a handled failure inside a condition, and what was there before it': {
    workflows: [
      {
        name: 'w',
        steps: [
          choice('c', true, [act('y', { value: 7 }), act('f', { fail: true })], [], { on_error: 'continue' }),
          act('b', { value: '{{ steps.y.output }}' }),
          act('d', { value: '{{ steps.y.output }}' }),
        ],
      },
    ],
  },
  'for_each, nested': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'l', type: 'loop', for_each: ['p', 'q'], as: 'who' },
            steps: [
              act('s', { value: '{{ who }}' }),
              {
                id: 'm',
                type: 'loop',
                times: 2,
                steps: [act('t', { value: '{{ steps.s.output + string(loop.index) }}' })],
              },
            ],
          },
          act('z'),
        ],
        output: '{{ steps.l.output.results }}',
      },
    ],
  },
  while: {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'l', type: 'loop', while: '{{ loop.first || steps.s.output < 3 }}' },
            steps: [act('s', { value: '{{ loop.index + 1 }}' }), act('t', { when: '{{ loop.index == 1 }}' })],
          },
        ],
      },
    ],
  },
  'parallel, all': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'p', type: 'parallel' },
            branches: {
              a: [act('a1'), act('a2')],
              b: [act('b1', { ms: 1500 }), act('b2')],
              c: [{ id: 'c1', type: 'wait', for: '3s' }],
            },
          },
          act('z', { value: '{{ [steps.a2.output, steps.b2.output] }}' }),
        ],
      },
    ],
  },
  'parallel, any: the others are given up': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'p', type: 'parallel', wait: 'any' },
            branches: {
              quick: [act('q1'), { id: 'q2', type: 'wait', for: '1s' }],
              slow: [act('s1'), { id: 's2', type: 'wait', for: '1h' }, act('s3')],
              still: [
                { id: 'l', type: 'loop', times: 3, steps: [{ id: 'sig', type: 'wait', signal: 'never' }] },
              ],
            },
          },
          act('y'),
          act('z', { value: '{{ [steps.q1.output, steps.s1.output] }}' }),
        ],
        output: '{{ [steps.p.output, steps.z.output] }}',
      },
    ],
  },
  'parallel, two of three': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'p', type: 'parallel', wait: 2 },
            branches: {
              a: [act('a1'), { id: 'a2', type: 'wait', for: '1s' }],
              b: [act('b1'), { id: 'b2', type: 'wait', for: '3s' }],
              c: [{ id: 'c2', type: 'wait', for: '1h' }],
            },
          },
          act('z'),
        ],
        output: '{{ keys(steps.p.output) }}',
      },
    ],
  },
  'parallel: one fails, the others end': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'p', type: 'parallel', on_error: [act('h', { value: '{{ error.code }}' })] },
            branches: {
              a: [act('a1'), { id: 'a2', type: 'wait', for: '1s' }, act('f', { fail: true })],
              b: [{ id: 'b2', type: 'wait', for: '1h' }],
            },
          },
          act('z', { value: '{{ steps.h.output }}' }),
        ],
      },
    ],
  },
  'wait for a time, until a time': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a'),
          { id: 'w1', type: 'wait', for: '3s' },
          { id: 'w2', type: 'wait', until: '{{ timestamp(run.started_at) + duration("8s") }}' },
          act('b'),
        ],
      },
    ],
  },
  'wait with a timeout: fails, or has a default': {
    workflows: [
      {
        name: 'w',
        steps: [
          { id: 'w1', type: 'wait', signal: 'x', timeout: '2s', default: { by: 'nobody' } },
          act('a', { value: '{{ steps.w1.output.by }}' }),
          { id: 'w2', type: 'wait', event: 'chainbot.never', timeout: '2s', on_error: 'continue' },
          act('b', { value: '{{ steps.w2.error.code }}' }),
        ],
        output: '{{ [steps.a.output, steps.b.output] }}',
      },
    ],
  },
  'wait for a signal': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a'),
          { id: 's', type: 'wait', signal: 'go' },
          act('b', { value: '{{ steps.s.output }}' }),
        ],
      },
    ],
    verbs: [
      {
        done: 'workflow.signalled',
        when: (run) => run.steps.some((step) => step.id === 's'),
        act: (runs, id) => runs.signal(id, 'go', { by: 'me' }, SYSTEM),
      },
    ],
  },
  'wait for an event': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a'),
          {
            id: 's',
            type: 'wait',
            event: 'chainbot.workflow.signalled',
            where: "{{ event.data.name == 'go' }}",
            timeout: '50s',
          },
          act('b', { value: '{{ steps.s.output.data.name }}' }),
        ],
      },
    ],
    verbs: [
      {
        done: 'workflow.signalled',
        when: (run) => run.steps.some((step) => step.id === 's'),
        act: (runs, id) => runs.signal(id, 'go', null, SYSTEM),
      },
    ],
  },
  'a run in a run in a run': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a'),
          { id: 's', type: 'run_workflow', workflow: 'child', input: { n: 2 } },
          act('b', { value: '{{ steps.s.output.output }}' }),
        ],
      },
      {
        name: 'child',
        steps: [{ id: 'c', type: 'run_workflow', workflow: 'grandchild', input: '{{ input }}' }],
        output: '{{ steps.c.output.output }}',
      },
      {
        name: 'grandchild',
        steps: [act('g', { value: '{{ input.n * 2 }}' }), { id: 'p', type: 'wait', for: '1s' }],
        output: '{{ steps.g.output }}',
      },
    ],
  },
  'a run that is not waited for': {
    workflows: [
      { name: 'w', steps: [{ id: 's', type: 'run_workflow', workflow: 'child', wait: false }, act('b')] },
      { name: 'child', steps: [act('g'), { id: 'p', type: 'wait', for: '2s' }, act('h')] },
    ],
  },
  'a run in a branch that is given up': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'p', type: 'parallel', wait: 'any' },
            branches: {
              a: [{ id: 'a1', type: 'wait', for: '1s' }],
              b: [{ id: 's', type: 'run_workflow', workflow: 'child' }],
            },
          },
          act('z'),
        ],
      },
      { name: 'child', steps: [act('g'), { id: 'p', type: 'wait', for: '90s' }, act('h')] },
    ],
  },
  'a run that fails': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            id: 's',
            type: 'run_workflow',
            workflow: 'child',
            on_error: [act('h', { value: '{{ error.code }}' })],
          },
        ],
        output: '{{ steps.h.output }}',
      },
      { name: 'child', steps: [act('g', { fail: true })] },
    ],
  },
  'retries with pauses': {
    workflows: [
      {
        name: 'w',
        steps: [act('a', { fails: 2, retry: { max_attempts: 5, delay: '2s', jitter: false } }), act('b')],
      },
    ],
  },
  'a timeout of a step': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a', { ms: 60_000, timeout: '2s', on_error: 'continue' }),
          act('b', { value: '{{ steps.a.error.code }}' }),
        ],
      },
    ],
  },
  'a timeout of a loop': {
    workflows: [
      {
        name: 'w',
        steps: [
          {
            ...{ id: 'l', type: 'loop', times: 9, timeout: '3s', on_error: 'continue' },
            steps: [act('s'), { id: 'p', type: 'wait', for: '1h' }],
          },
          act('b', { value: '{{ steps.l.error.code }}' }),
        ],
      },
    ],
  },
  'a timeout of the run, with its on_error': {
    workflows: [
      {
        name: 'w',
        timeout: '4s',
        steps: [act('a'), { id: 'p', type: 'wait', for: '1h' }],
        on_error: [act('h'), act('i')],
      },
    ],
  },
  'on_error of a step and of the run': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a', { fail: true, on_error: [act('h'), act('i', { value: '{{ error.code }}' })] }),
          act('b', { value: '{{ steps.i.output }}' }),
          act('c', { fail: true }),
        ],
        on_error: [act('x', { value: '{{ error.step }}' }), act('y')],
      },
    ],
  },
  'fields and conditions that cannot be evaluated': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a', { value: '{{ 1 / 0 }}', on_error: 'continue' }),
          act('b', { when: '{{ steps.a.output.x.y > 1 }}', on_error: 'continue' }),
          {
            id: 'l',
            type: 'loop',
            for_each: '{{ steps.a.output }}',
            on_error: 'continue',
            steps: [act('s')],
          },
          act('d'),
        ],
      },
    ],
  },
  'mode parallel': {
    workflows: [
      {
        name: 'w',
        mode: 'parallel',
        steps: [act('a'), { id: 'b', type: 'wait', for: '2s' }, act('c', { ms: 1000 })],
      },
    ],
  },
  'mode parallel with a failure': {
    workflows: [
      {
        name: 'w',
        mode: 'parallel',
        steps: [act('a', { ms: 2000, fail: true }), { id: 'b', type: 'wait', for: '1h' }, act('c')],
      },
    ],
  },
  'mode conditional': {
    workflows: [
      {
        name: 'w',
        mode: 'conditional',
        steps: [act('a', { when: '{{ input.n > 5 }}' }), act('b', { when: '{{ input.n > 1 }}' }), act('c')],
      },
    ],
    input: { n: 3 },
  },
  'concurrency: queue': {
    workflows: [
      { name: 'w', concurrency: 1, steps: [act('a'), { id: 'p', type: 'wait', for: '2s' }, act('b')] },
    ],
    starts: ['w', 'w'],
    loose: true,
  },
  'concurrency: replace': {
    workflows: [
      {
        name: 'w',
        concurrency: { max: 1, on_limit: 'replace' },
        steps: [act('a'), { id: 'p', type: 'wait', for: '2s' }, act('b')],
      },
    ],
    starts: ['w', 'w', 'w'],
    loose: true,
  },
  'concurrency: skip': {
    workflows: [
      {
        name: 'w',
        concurrency: { max: 1, on_limit: 'skip' },
        steps: [act('a'), { id: 'p', type: 'wait', for: '2s' }, act('b')],
      },
    ],
    starts: ['w', 'w'],
    loose: true,
  },
  'on_interrupt: skip': {
    workflows: [
      {
        name: 'w',
        steps: [act('a', { on_interrupt: 'skip' }), act('b', { ms: 1500, on_interrupt: 'skip' }), act('c')],
      },
    ],
    loose: true,
  },
  'on_interrupt: fail': {
    workflows: [
      {
        name: 'w',
        steps: [act('a', { on_interrupt: 'fail' }), act('b', { ms: 1500, on_interrupt: 'fail' }), act('c')],
      },
    ],
    loose: true,
  },
  'pause and resume': {
    workflows: [
      {
        name: 'w',
        steps: [act('a'), { id: 'p', type: 'wait', for: '2s' }, act('b'), act('c', { on_interrupt: 'fail' })],
      },
    ],
    verbs: [
      {
        done: 'workflow.paused',
        when: (run) => run.steps.some((step) => step.id === 'p'),
        act: (runs, id) => runs.pause(id, SYSTEM),
      },
      {
        done: 'workflow.resumed',
        when: (run) => run.status === 'paused',
        act: (runs, id) => runs.resume(id, SYSTEM),
      },
    ],
    loose: true,
  },
  cancel: {
    workflows: [
      { name: 'w', steps: [act('a'), { id: 's', type: 'run_workflow', workflow: 'child' }, act('b')] },
      { name: 'child', steps: [act('g'), { id: 'p', type: 'wait', for: '1h' }] },
    ],
    verbs: [
      {
        done: 'workflow.cancelled',
        when: (run) => run.steps.some((step) => step.id === 's'),
        act: (runs, id) => runs.cancel(id, SYSTEM),
      },
    ],
    loose: true,
  },
  'retry of a failed run': {
    workflows: [
      {
        name: 'w',
        steps: [
          act('a'),
          {
            ...{ id: 'l', type: 'loop', times: 2 },
            steps: [
              act('s'),
              { id: 'sub', type: 'run_workflow', workflow: 'child', input: { n: '{{ loop.index }}' } },
            ],
          },
          act('z'),
        ],
      },
      // Fails for good the first time it is asked: a wait that nobody ends.
      {
        name: 'child',
        steps: [choice('c', '{{ input.n == 0 }}', [act('g')], [act('q', { fail: true })])],
      },
    ],
    verbs: [
      {
        done: 'workflow.retried',
        when: (run) => run.status === 'failed',
        act: (runs, id) => runs.retry(id, SYSTEM),
      },
    ],
  },
  ...controlScenarios,
};
