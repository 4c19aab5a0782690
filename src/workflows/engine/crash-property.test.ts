import fc from 'fast-check';
import { expect, test } from 'vitest';
import { play, prepared, type Scenario } from '../../../tests/support/crash-check.ts';
import { act, choice } from '../../../tests/support/crash-scenarios.ts';

/** Any small workflow, any instants at which the power goes, several times in a row: the end is the same. */

const RUNS = Number(process.env.CHAINBOT_CRASH_RUNS ?? 60);

type Shape = (next: () => string) => object;

const leaf: fc.Arbitrary<Shape> = fc.oneof(
  fc
    .constantFrom<object>(
      {},
      { ms: 1500 },
      { fail: true, on_error: 'continue' },
      { when: false },
      { fails: 1, retry: { delay: '1s', jitter: false } },
    )
    .map(
      (more): Shape =>
        (next) =>
          act(next(), more),
    ),
  fc.constantFrom<object>({ for: '2s' }, { signal: 'never', timeout: '2s', default: 1 }).map(
    (more): Shape =>
      (next) => ({ id: next(), type: 'wait', ...more }),
  ),
  fc.constant<Shape>((next) => ({ id: next(), type: 'run_workflow', workflow: 'child' })),
  fc
    .constantFrom<object>(
      { type: 'set', vars: { n: '{{ vars.n + 1 }}' } },
      { type: 'act', value: '{{ vars.n }}' },
      { type: 'log', message: 'n is {{ vars.n }}' },
      { type: 'fail', message: 'no', on_error: 'continue' },
      { type: 'approval', title: 'Well?', deadline: '2s', default: 'reject' },
      { type: 'approval', title: 'Well?', deadline: '1s', on_error: 'continue' },
    )
    .map(
      (fields): Shape =>
        (next) => ({ id: next(), ...fields }),
    ),
  fc.constantFrom<object>({}, { fail: true }, { ms: 1500 }).map(
    (more): Shape =>
      (next) =>
        act(next(), { undo: [act(next(), more), { id: next(), type: 'wait', for: '1s' }, act(next())] }),
  ),
);

const list = (of: fc.Arbitrary<Shape>) => fc.array(of, { minLength: 1, maxLength: 3 });
const made = (shapes: readonly Shape[], next: () => string): object[] => shapes.map((shape) => shape(next));

const { step } = fc.letrec<{ step: Shape }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    leaf,
    list(tie('step')).map(
      (body): Shape =>
        (next) => ({
          id: next(),
          type: 'loop',
          times: 2,
          steps: made(body, next),
        }),
    ),
    fc.tuple(fc.boolean(), list(tie('step')), list(tie('step'))).map(
      ([test, yes, no]): Shape =>
        (next) =>
          choice(next(), test, made(yes, next), made(no, next)),
    ),
    fc.tuple(list(tie('step')), list(tie('step'))).map(
      ([a, b]): Shape =>
        (next) => ({ id: next(), type: 'parallel', branches: { a: made(a, next), b: made(b, next) } }),
    ),
    fc.tuple(fc.constantFrom('a', 'b', 'c'), list(tie('step')), list(tie('step'))).map(
      ([value, a, other]): Shape =>
        (next) => ({
          ...{ id: next(), type: 'switch', value, cases: [{ when: 'a', steps: made(a, next) }] },
          ...(value === 'b' ? {} : { default: made(other, next) }),
        }),
    ),
    fc.tuple(fc.constantFrom('well', 'fails', 'late'), list(tie('step')), list(tie('step'))).map(
      ([how, body, after]): Shape =>
        (next) => {
          const steps = made(body, next);
          if (how === 'fails') steps.push(act(next(), { fail: true }));
          if (how === 'late') steps.push({ id: next(), type: 'wait', for: '9m' });
          return {
            ...{ id: next(), type: 'try', steps, grace: '10m', ...(how === 'late' && { timeout: '20s' }) },
            ...(how !== 'well' && { catch: [act(next(), { value: '{{ error.code }}' })] }),
            finally: made(after, next),
          };
        },
    ),
    list(tie('step')).map(
      (body): Shape =>
        (next) =>
          act(next(), { fail: true, on_error: made(body, next) }),
    ),
  ),
}));

const workflow = fc
  .tuple(list(step), fc.boolean(), fc.boolean())
  .map(([shapes, fails, isParallel]): Scenario => {
    let last = 0;
    const next = (): string => `s${++last}`;
    const steps = made(shapes, next);
    if (fails) steps.push(act(next(), { fail: true }));
    return {
      workflows: [
        {
          ...{ name: 'w', mode: isParallel ? 'parallel' : 'sequential', vars: { n: 0 }, steps },
          on_error: [act('handler')],
        },
        { name: 'child', steps: [act('c'), { id: 'd', type: 'wait', for: '1s' }] },
      ],
      // When one branch fails the others end where they are: how far they came hangs on the crash.
      loose: isParallel && fails,
    };
  });

const crashes = fc.array(fc.record({ after: fc.integer({ min: 1, max: 12 }), deaf: fc.boolean() }), {
  maxLength: 4,
});

test('whatever the workflow and whenever the power goes', { timeout: 60_000 + RUNS * 1000 }, async () => {
  await fc.assert(
    fc.asyncProperty(workflow, crashes, async (scenario, when) => {
      const home = await prepared(scenario);
      try {
        const whole = await play(home.path, scenario, []);
        const played = await play(home.path, scenario, when);
        expect(played.ends).toEqual(scenario.loose ? played.ends : whole.ends);
        if (!scenario.loose) expect(played.keys).toEqual(whole.keys);
      } finally {
        home.drop();
      }
    }),
    { numRuns: RUNS },
  );
});
