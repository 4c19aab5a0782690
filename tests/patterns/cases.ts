import type { Json } from '#core/json.ts';
import type { Verb } from '../support/crash-check.ts';

/**
 * What each pattern's definition is given, and what must come of it. Steps are named by their path, those of a
 * pattern's further workflows with that workflow's name before it (`instance/done`); `!completed` is a run's end.
 */
export interface Case {
  readonly input?: Json;
  /** How many runs are started at once; 1 when absent. */
  readonly starts?: number;
  readonly verbs?: readonly Verb[];
  readonly status?: 'completed' | 'cancelled';
  readonly output?: Json;
  /** `a < b < c`: every time of one is before every time of the next. */
  readonly chains: readonly string[];
  readonly never?: readonly string[];
  readonly times?: Readonly<Record<string, number>>;
  /** `[begun, done]` of a section that is never under way twice at once. */
  readonly alone?: readonly [string, string];
}

const TESTER = { kind: 'system', id: 'test' } as const;

/** The nth signal to the run, sent as soon as the step waits. */
const signal = (nth: number, name: string, payload: Json, path: string): Verb => ({
  done: 'workflow.signalled',
  times: nth,
  when: (run) => run.steps.some((step) => step.path === path && step.status === 'waiting'),
  act: (runs, id) => runs.signal(id, name, payload, TESTER),
});
const cancel = (path: string): Verb => ({
  done: 'workflow.cancelled',
  when: (run) => run.steps.some((step) => step.path === path && step.endedAt === null),
  act: (runs, id) => runs.cancel(id, TESTER),
});

export const cases: Readonly<Record<string, Case>> = {
  'wcp-01-sequence': { output: 'ABC', chains: ['a < b < c < !completed'] },
  'wcp-02-parallel-split': {
    chains: ['a < split/b/b1 < split/c/c2 < split/b/b2', 'a < split/c/c1 < split/c/c2'],
  },
  'wcp-03-synchronization': {
    output: 'AB',
    chains: ['both/b/b < both/a/a < both < c < !completed'],
    times: { c: 1 },
  },
  'wcp-04-exclusive-choice': {
    input: { amount: 60 },
    chains: ['a < choice/then/b < choice'],
    never: ['choice/else/c'],
  },
  'wcp-05-simple-merge': {
    input: { amount: 60 },
    output: 'BC',
    chains: ['choice/else/b < choice < c'],
    never: ['choice/then/a'],
    times: { c: 1 },
  },
  'wcp-06-multi-choice': {
    input: { needs: ['police', 'doctor'] },
    chains: ['help/police/police < help', 'help/doctor/doctor < help'],
    never: ['help/fire/fire'],
  },
  'wcp-07-structured-synchronizing-merge': {
    input: { needs: ['police', 'fire'] },
    chains: ['help/fire/fire/then/fire_there < help/police/police/then/police_there < move'],
    never: ['help/doctor/doctor/then/doctor_there'],
    times: { move: 1 },
  },
  'wcp-08-multi-merge': {
    output: ['AC', 'BC'],
    chains: ['split/b/b < split/b/after_b < split/a/a < split/a/after_a < !completed'],
    times: { 'after/c': 2 },
  },
  'wcp-09-structured-discriminator': {
    chains: ['block/b/b < block/next/c < block/a/a < d'],
    times: { 'block/next/c': 1, d: 1 },
  },
  'wcp-10-arbitrary-cycles': {
    input: { faults: 1 },
    output: ['test', 'repair', 'test', 'paint', 'repair', 'test', 'paint', 'end'],
    chains: ['net < !completed'],
  },
  'wcp-11-implicit-termination': { chains: ['a < c < b < !completed'] },
  'wcp-12-instances-without-synchronization': {
    input: { fines: [30, 60, 90] },
    output: 3,
    chains: ['each < next < !completed < instance/issued'],
    times: { 'instance/issued': 3, next: 1 },
  },
  'wcp-13-instances-known-at-design-time': {
    output: 4,
    chains: ['instance/begun < instance/signed < signatures < next'],
    times: { 'instance/signed': 3, next: 1 },
  },
  'wcp-14-instances-known-at-run-time': {
    input: { items: [1, 2, 3, 4, 5, 6, 7] },
    output: [1, 2, 3, 4, 5, 6, 7],
    chains: ['each/last/then/begun < each/last/then/diagnosed < all < next'],
    times: { 'each/last/then/diagnosed': 7, next: 1 },
  },
  'wcp-16-deferred-choice': {
    verbs: [signal(1, 'agree', 'yes', 'answer/agreed/agreed')],
    output: { branch: 'then', output: 'yes' },
    chains: ['answer/agreed/agreed < answer < choice/then/build'],
    never: ['answer/refused/refused', 'answer/late/late', 'choice/else/drop'],
  },
  'wcp-17-interleaved-parallel-routing': {
    chains: ['all/ab/a < all/ab/b < all', 'all/c/c < all'],
    times: { 'alone/done': 3 },
    alone: ['alone/begun', 'alone/done'],
  },
  'wcp-18-milestone': {
    verbs: [
      signal(1, 'enrol', 'Ann', 'open/enrolling/enrolling/0/asked'),
      signal(2, 'enrol', 'Ben', 'open/enrolling/enrolling/1/asked'),
    ],
    chains: ['a < open/enrolling/enrolling/0/c < open/enrolling/enrolling/1/c < open/closing/closing < b'],
    never: ['open/enrolling/enrolling/2/c'],
  },
  'wcp-19-cancel-task': {
    verbs: [signal(1, 'withdraw', null, 'assess/withdrawn/withdrawn')],
    output: ['withdrawn'],
    chains: ['assess/withdrawn/withdrawn < assess < next'],
    never: ['assess/work/takes', 'assess/work/assessed'],
  },
  'wcp-20-cancel-case': {
    verbs: [cancel('inner')],
    status: 'cancelled',
    chains: ['a < !cancelled', 'a < part!cancelled'],
    never: ['part/done', 'b'],
  },
  'wcp-21-structured-loop': {
    output: [3, 6, 9],
    chains: ['repeat/0/a < repeat/1/a < repeat/2/a < repeat < never < c'],
    never: ['repeat/3/a', 'never/0/b'],
  },
  'wcp-22-recursion': {
    input: { n: 5 },
    output: 120,
    chains: ['small/then/one < small/else/product'],
    times: { 'small/then/one': 1, 'small/else/product': 4, '!completed': 5 },
  },
  'wcp-23-transient-trigger': {
    output: 'house/bell/rings_again',
    chains: [
      'house/bell/rings < house/listener/busy < house/bell/rings_again < house/listener/heard < house/listener/opens',
    ],
  },
  'wcp-24-persistent-trigger': {
    verbs: [signal(1, 'letter', 'Dear all', 'busy')],
    output: 'Dear all',
    chains: ['busy < letter < answer'],
  },
  'wcp-25-cancel-region': {
    verbs: [signal(1, 'stop', null, 'all/region/region/work/work/y/y_wait')],
    output: 'next',
    chains: [
      'all/region/region/work/work/x/x1 < all/region/region/stop/stop < all/region/region < all/region/clean < all/beside/beside < next',
    ],
    never: ['all/region/region/work/work/x/x2', 'all/region/region/work/work/y/y2'],
  },
  'wcp-26-cancel-instances': {
    // The first instance has ended by then.
    verbs: [
      {
        ...signal(1, 'stop', null, 'survey/stop/stop'),
        when: (run) => run.steps.some((step) => step.id === 'ask_1' && step.status === 'completed'),
      },
    ],
    output: ['stop'],
    chains: ['instance/asked < survey/stop/stop < survey < next'],
    times: { 'instance/asked': 1, 'instance!completed': 1, 'instance!cancelled': 2 },
  },
  'wcp-27-complete-instances': {
    output: [21, 22, null],
    chains: [
      'measuring/instances/instances/one/point_1 < measuring/instances/instances/two/point_2 < measuring/enough/enough < measuring < next',
    ],
    never: ['measuring/instances/instances/three/point_3'],
  },
  'wcp-28-blocking-discriminator': {
    starts: 2,
    chains: [],
    alone: ['block/b/b', 'block/a/a'],
    times: { 'block/next/c': 2, '!completed': 2 },
  },
  'wcp-29-cancelling-discriminator': {
    output: ['b'],
    chains: ['first/b/b < first < c'],
    never: ['first/a/a_takes', 'first/a/a'],
  },
  'wcp-30-structured-partial-join': {
    output: ['b', 'c'],
    chains: ['block/b/b < block/c/c < block/next/d < block/a/a < block'],
    times: { 'block/next/d': 1 },
  },
  'wcp-31-blocking-partial-join': {
    starts: 2,
    chains: [],
    alone: ['block/b/b', 'block/a/a'],
    times: { 'block/next/d': 2, '!completed': 2 },
  },
  'wcp-32-cancelling-partial-join': {
    output: ['b', 'c'],
    chains: ['two/b/b < two/c/c < two < d'],
    never: ['two/a/a'],
  },
  'wcp-33-generalised-and-join': {
    verbs: [
      signal(1, 'left', 'a', 'rounds/0/pair/left/left'),
      signal(2, 'left', 'b', 'rounds/0/pair/right/right'),
      signal(3, 'right', '1', 'rounds/0/pair/right/right'),
      signal(4, 'right', '2', 'rounds/1/pair/right/right'),
    ],
    output: ['a1', 'b2'],
    chains: ['rounds/0/c < rounds/1/pair/right/right < rounds/1/c'],
  },
  'wcp-34-static-partial-join-for-instances': {
    output: ['one', 'three'],
    chains: ['block/one/run_1 < block/three/run_3 < block/next/next < block/two/run_2 < block'],
    times: { 'instance/reported': 3, 'instance!completed': 3 },
  },
  'wcp-35-cancelling-partial-join-for-instances': {
    output: ['one', 'three'],
    chains: ['enough/one/run_1 < enough/three/run_3 < enough < next'],
    times: { 'instance/reported': 2, 'instance!cancelled': 1 },
  },
  'wcp-37-local-synchronizing-merge': {
    input: { a: true, b: true, c: false },
    chains: ['net/b/b < net/bc/e < net/a/a < net/ab/d < net'],
    never: ['net/c/c'],
    times: { 'net/bc/e': 1, 'net/ab/d': 1 },
  },
  'wcp-39-critical-section': {
    starts: 2,
    chains: [],
    times: { 'account/done': 4, '!completed': 2 },
    alone: ['account/begun', 'account/done'],
  },
  'wcp-40-interleaved-routing': {
    chains: ['check/done < checks < drive'],
    times: { 'check/done': 3 },
    alone: ['check/begun', 'check/done'],
  },
  'wcp-41-thread-merge': {
    chains: ['thread/checked < threads < registered'],
    times: { 'thread/checked': 3, registered: 1 },
  },
  'wcp-42-thread-split': {
    chains: ['a < split < rest/c', 'rest/b < rest/c'],
    times: { 'rest/b': 3, 'rest/c': 3 },
  },
  'wcp-43-explicit-termination': {
    output: 'done',
    chains: ['run/main/the_end < !completed', 'run/beside/watching/0/looked < run/main/the_end'],
    never: ['run/beside/watching'],
  },
};
