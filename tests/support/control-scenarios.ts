import { SYSTEM } from '#core/actor.ts';
import type { ApprovalsPort } from '#workflows/port.ts';
import type { Scenario, Verb } from './crash-check.ts';

const act = (id: string, more: object = {}) => ({ id, type: 'act', ...more });
const pause = (id: string, seconds: number) => ({ id, type: 'wait', for: `${seconds}s` });

const answer = (verb: 'approve' | 'reject', step: string): Verb => ({
  done: 'approval.answered',
  when: (run) => run.steps.some(({ id, status }) => id === step && status === 'waiting'),
  act: async (_runs, id, approvals: ApprovalsPort) => {
    const open = approvals.list({ all: false, limit: 10 }).find(({ run }) => run === id);
    if (open) await approvals[verb](open.id, 'as I see it', SYSTEM);
  },
});

const cancel = (step: string): Verb => ({
  done: 'workflow.cancelled',
  when: (run) => run.steps.some(({ id }) => id === step),
  act: (runs, id) => runs.cancel(id, SYSTEM),
});

const one = (workflow: object, more: object = {}): Scenario => ({
  workflows: [{ name: 'w', ...workflow }],
  ...more,
});

/** Branching, vars, failures that are caught, cleaning up, questions to people. */
export const controlScenarios: Record<string, Scenario> = {
  switch: one({
    steps: [
      act('a', { value: 'red' }),
      {
        ...{ id: 's', type: 'switch', value: '{{ steps.a.output }}' },
        cases: [
          { when: 'blue', steps: [act('b')] },
          { when: ['red', 'green'], steps: [act('c', { value: 7 }), act('d')] },
        ],
        default: [act('e')],
      },
      {
        ...{ id: 't', type: 'switch' },
        cases: [{ when: '{{ steps.c.output > 9 }}', steps: [act('f')] }],
        default: [act('g', { value: '{{ steps.c.output }}' })],
      },
      { id: 'u', type: 'switch', value: 3, cases: [{ when: '{{ value > 9 }}', steps: [act('h')] }] },
      act('z'),
    ],
    output: '{{ [steps.s.output, steps.t.output, steps.u.output] }}',
  }),
  'set: later steps see what was set': one({
    vars: { n: 1, all: [] },
    steps: [
      { id: 's1', type: 'set', vars: { n: '{{ vars.n + 1 }}', word: 'x' } },
      act('a', { value: '{{ vars.n }}' }),
      {
        ...{ id: 'l', type: 'loop', times: 3 },
        steps: [
          act('r'),
          { id: 's2', type: 'set', vars: { n: '{{ vars.n * 2 }}', all: '{{ vars.all + [loop.index] }}' } },
        ],
      },
      {
        ...{ id: 'p', type: 'parallel' },
        branches: {
          a: [pause('w1', 2), { id: 's3', type: 'set', vars: { last: 'a' } }],
          b: [act('b1'), { id: 's4', type: 'set', vars: { last: 'b' } }, act('b2')],
        },
      },
      act('z', { value: '{{ vars }}' }),
    ],
  }),
  'fail and log': one(
    {
      steps: [
        {
          id: 'l',
          type: 'log',
          level: 'warn',
          message: 'n is {{ input.n }}',
          fields: { n: '{{ input.n }}' },
        },
        act('a', { value: '{{ steps.l.output.fields.n }}' }),
        {
          ...{ id: 'r', type: 'fail', message: 'again', retryable: true, on_error: 'continue' },
          retry: { delay: '1s' },
        },
        { id: 'f', type: 'fail', code: 'order.rejected', message: 'no {{ steps.a.output }}', hint: 'Less.' },
        act('z'),
      ],
      on_error: [act('h', { value: '{{ error.code }}' })],
    },
    { input: { n: 5 } },
  ),
  'try: caught, and finally': one({
    steps: [
      {
        ...{ id: 't', type: 'try' },
        steps: [act('a'), pause('w1', 1), act('f', { fail: true }), act('no')],
        catch: [act('c', { value: '{{ error.code }}' }), pause('w2', 1), act('d')],
        finally: [act('x', { value: '{{ error }}' }), act('y')],
      },
      act('z', { value: '{{ [steps.a.output, steps.c.output, steps.t.output.ok, steps.y.output] }}' }),
    ],
  }),
  'try: not caught, a finally that fails too': one({
    steps: [
      {
        ...{ id: 't', type: 'try' },
        steps: [
          {
            ...{ id: 'u', type: 'try', finally: [act('x'), act('y', { fail: true })] },
            steps: [act('f', { fail: true })],
          },
        ],
        finally: [pause('w1', 2), act('q', { value: '{{ error.code }}' })],
      },
      act('no'),
    ],
    on_error: [act('h', { value: '{{ error.step }}' })],
  }),
  'try: a timeout of its steps, and grace': one({
    steps: [
      {
        ...{ id: 't', type: 'try', timeout: '2s' },
        steps: [act('a'), pause('w1', 60), act('no')],
        catch: [act('c', { value: '{{ error.code }}' })],
      },
      {
        ...{ id: 'u', type: 'try', grace: '3s', on_error: 'continue' },
        steps: [act('b')],
        finally: [act('x'), pause('w2', 60), act('no2')],
      },
      act('z', { value: '{{ [steps.t.output.error.code, steps.u.error.code] }}' }),
    ],
  }),
  'finally when time runs out around it': one({
    timeout: '9s',
    steps: [
      {
        ...{ id: 'l', type: 'loop', times: 2, timeout: '3s', on_error: 'continue' },
        steps: [
          {
            ...{ id: 't', type: 'try', finally: [act('x'), pause('w2', 1), act('y')] },
            steps: [act('a'), pause('w1', 60)],
          },
        ],
      },
      {
        ...{ id: 'u', type: 'try', finally: [act('p', { ms: 1000 }), act('q')] },
        steps: [act('b'), pause('w3', 60)],
      },
    ],
    on_error: [act('h', { value: '{{ error.code }}' })],
  }),
  'finally in a branch that is given up': one({
    steps: [
      {
        ...{ id: 'p', type: 'parallel', wait: 'any' },
        branches: {
          quick: [pause('w1', 1)],
          slow: [
            {
              ...{ id: 't', type: 'try', finally: [act('x'), pause('w3', 2), act('y')] },
              steps: [act('a'), pause('w2', 60)],
            },
            act('no'),
          ],
        },
      },
      act('z'),
    ],
  }),
  'finally when the run is cancelled': one(
    {
      steps: [
        {
          ...{ id: 't', type: 'try', catch: [act('no')] },
          steps: [act('a'), pause('w1', 90)],
          finally: [act('x', { value: '{{ error.code }}' }), pause('w2', 2), act('y')],
        },
      ],
    },
    { verbs: [cancel('w1')] },
  ),
  'undo: the completed steps, the last first': one({
    steps: [
      act('a', { value: 1, undo: [act('ua', { value: '{{ [steps.a.output, error.code] }}' })] }),
      act('b', { on_error: 'continue', fail: true, undo: [act('no')] }),
      {
        ...{ id: 'l', type: 'loop', for_each: ['p', 'q'], as: 'who', undo: [act('ul')] },
        steps: [
          act('s', {
            value: '{{ who }}',
            undo: [
              act('us1', { value: '{{ steps.s.output + string(loop.index) }}' }),
              pause('us2', 1),
              act('us3', { value: '{{ steps.us1.output }}' }),
            ],
          }),
        ],
      },
      act('c', { undo: [act('uc', { fail: true })] }),
      { id: 'f', type: 'fail', code: 'no.stock', message: 'nothing left' },
    ],
    on_error: [act('h', { value: '{{ error.code }}' })],
  }),
  'undo: branches, and what lies in other steps': one({
    steps: [
      {
        ...{ id: 'p', type: 'parallel' },
        branches: {
          a: [act('a1', { undo: [act('ua1')] }), pause('w1', 2), act('a2', { undo: [act('ua2')] })],
          b: [pause('w2', 1), act('b1', { undo: [act('ub1')] })],
        },
      },
      {
        ...{ id: 's', type: 'switch', value: 1 },
        cases: [{ when: 1, steps: [act('c', { undo: [act('uc')] })] }],
      },
      {
        ...{ id: 't', type: 'try', finally: [act('x', { undo: [act('ux')] })] },
        steps: [act('d', { undo: [act('ud')] }), act('f', { fail: true })],
        catch: [act('e', { undo: [act('ue')] })],
      },
      act('g', { fail: true }),
    ],
  }),
  'undo when the run is cancelled': one(
    {
      steps: [
        act('a', { undo: [act('ua', { ms: 1500 })] }),
        {
          ...{ id: 't', type: 'try', finally: [act('x')] },
          steps: [act('b', { undo: [act('ub')] }), pause('w1', 90)],
        },
      ],
    },
    { verbs: [cancel('w1')] },
  ),
  'undo when the time of the run is over': one({
    timeout: '3s',
    steps: [
      { id: 's', type: 'set', vars: { n: 1 }, undo: [act('us', { value: '{{ vars.n }}' })] },
      act('a', { undo: [pause('w0', 5), act('ua')] }),
      pause('w1', 90),
    ],
    on_error: [act('h', { value: '{{ error.code }}' })],
  }),
  'approval: approved': one(
    {
      steps: [
        act('a'),
        { id: 'ok', type: 'approval', title: 'Shall {{ steps.a.output }}?', deadline: '100s' },
        act('b', { value: '{{ [steps.ok.output.approved, steps.ok.output.comment, steps.ok.output.by] }}' }),
      ],
    },
    { verbs: [answer('approve', 'ok')] },
  ),
  'approval: rejected, then undone': one(
    {
      steps: [
        act('a', { undo: [act('ua')] }),
        { id: 'ok', type: 'approval', title: 'Shall it?', roles: ['keeper'] },
        { id: 'f', type: 'fail', when: '{{ !steps.ok.output.approved }}', message: 'rejected' },
      ],
    },
    { verbs: [answer('reject', 'ok')] },
  ),
  'approval: nobody answers': one({
    steps: [
      { id: 'q1', type: 'approval', title: 'One?', deadline: '3s', default: 'approve' },
      act('a', { value: '{{ steps.q1.output.approved }}' }),
      { id: 'q2', type: 'approval', title: 'Two?', deadline: '3s', on_error: 'continue' },
      act('b', { value: '{{ steps.q2.error.code }}' }),
      { id: 'q3', type: 'approval', title: 'Three?', timeout: '2s', on_error: 'continue' },
      act('c', { value: '{{ steps.q3.error.code }}' }),
    ],
    output: '{{ [steps.a.output, steps.b.output, steps.c.output] }}',
  }),
  'retry of a run with a try': one(
    {
      steps: [
        {
          ...{ id: 't', type: 'try', catch: [act('c'), act('c2', { fail: true })], finally: [act('x')] },
          steps: [act('a'), act('f', { fail: true })],
        },
        act('z'),
      ],
    },
    {
      verbs: [
        {
          done: 'workflow.retried',
          when: (run: { status: string }) => run.status === 'failed',
          act: (runs: { retry: (id: string, actor: typeof SYSTEM) => Promise<unknown> }, id: string) =>
            runs.retry(id, SYSTEM),
        },
      ],
    },
  ),
};
