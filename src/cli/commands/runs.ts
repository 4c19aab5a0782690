import { type Command, Option } from 'commander';
import { PRIORITIES, RUN_STATUSES } from '../run-status.ts';
import { type Define, group, type Invoke } from './invoke.ts';
import { duration, instant, oneOf, positiveInteger } from './values.ts';

export const defineRun: Define = (program, invoke) => {
  program
    .command('run')
    .description('start a run of a workflow and print its id')
    .argument('<workflow>', "the workflow's name")
    .option('-i, --input <json>', 'the input: JSON, @file with JSON, or - for standard input')
    .option('--version <number>', 'this version instead of the newest', positiveInteger)
    .option('-f, --follow', 'show each step as it happens, until the run ends')
    .option('-w, --wait', 'wait until the run ends; exits 0 completed, 1 failed or cancelled')
    .option('--at <time>', 'begin at this time: 2026-05-01T08:00+02:00, or 18:30 by the local clock', instant)
    .option('--in <duration>', 'begin after this long, whatever the clock is set to (30s, 10m, 2h)', duration)
    .addOption(new Option('--priority <priority>', 'who goes first where runs queue').choices(PRIORITIES))
    .option('--idempotency-key <key>', 'the same key and input start one run only, for 24 h')
    .option(
      '--timeout <duration>',
      'with --wait or --follow: at most this long (30s, 10m); then exits 7',
      duration,
    )
    .action((name, options, command) =>
      invoke(command, async (session) => (await import('../actions/run.ts')).run(session, name, options)),
    );
};

export const defineRuns: Define = (program, invoke) => {
  const runs = group(program, 'runs', 'look at runs, and steer them');
  const actions = () => import('../actions/runs.ts');
  runs
    .command('list')
    .description('the newest runs')
    .option('--workflow <workflow>', 'of this workflow only')
    .addOption(
      new Option('--status <status>', 'in these states only, commas between')
        .choices(RUN_STATUSES)
        .argParser(oneOf(RUN_STATUSES)),
    )
    .option('-n, --limit <number>', 'how many at most', positiveInteger, 20)
    .option('--cursor <cursor>', 'the page after, as --json names it in "next"')
    .action((options, command) =>
      invoke(command, async (session) => (await actions()).list(session, options)),
    );
  runs
    .command('show')
    .description('the trace of a run: each step with attempts, duration, output or error')
    .argument('<run>', 'its id, or the beginning of it')
    .option('-a, --all', 'every step, also of loops with many rounds')
    .option('-l, --logs', 'with the lines that each step logged')
    .option('-g, --gantt', 'the steps over time: what took how long, with attempts and waits')
    .action((id, options, command) =>
      invoke(command, async (session) => (await actions()).show(session, id, options)),
    );
  runs
    .command('output')
    .description('the whole output of a run or of one of its steps, as JSON, however large')
    .argument('<run>', 'its id, or the beginning of it')
    .argument('[step]', 'the path of a step, such as each/2/tell')
    .action((id, step, _options, command) =>
      invoke(command, async (session) => (await import('../actions/history.ts')).output(session, id, step)),
    );
  runs
    .command('follow')
    .description('show each step as it happens, until the run ends; exits 0 completed, 1 failed or cancelled')
    .argument('<run>', 'its id, or the beginning of it')
    .option('--timeout <duration>', 'at most this long; then exits 7', duration)
    .action((id, options, command) =>
      invoke(command, async (session) => (await actions()).follow(session, id, options)),
    );
  for (const [verb, description] of VERBS) defineSteering(runs, verb, description, invoke);
  defineChanges(runs, invoke);
  runs
    .command('signal')
    .description('wake a step that waits for a signal; one that comes before its wait is kept')
    .argument('<run>', 'its id, or the beginning of it')
    .argument('<name>', "the signal's name")
    .option('-p, --payload <json>', 'what comes with it: JSON, @file with JSON, or - for standard input')
    .action((id, name, options, command) =>
      invoke(command, async (session) => (await actions()).signal(session, id, name, options)),
    );
};

/** One run by its id, or many by a filter. */
function many(command: Command, verb: string): Command {
  return command
    .argument('[run]', 'its id, or the beginning of it; without it: those that the options name')
    .option('--workflow <workflow>', `${verb} the runs of this workflow`)
    .addOption(
      new Option('--status <status>', `${verb} the runs in these states, commas between`)
        .choices(RUN_STATUSES)
        .argParser(oneOf(RUN_STATUSES)),
    )
    .option('-n, --limit <number>', 'how many at most, the newest first', positiveInteger, 100);
}

function defineSteering(
  runs: Command,
  verb: (typeof VERBS)[number][0],
  description: string,
  invoke: Invoke,
): void {
  const command = runs.command(verb).description(description);
  if (verb === 'cancel' || verb === 'retry') {
    if (verb === 'cancel')
      command.option('--now', 'without its undos and finally steps, also when they have begun; one run only');
    many(command, verb).action((id, options, at) =>
      invoke(at, async (session) => {
        if (id === undefined) return (await import('../actions/bulk.ts')).bulk(session, { verb, ...options });
        return (await import('../actions/runs.ts')).steer(session, verb, id, options);
      }),
    );
    return;
  }
  command
    .argument('<run>', 'its id, or the beginning of it')
    .action((id, _options, at) =>
      invoke(at, async (session) => (await import('../actions/runs.ts')).steer(session, verb, id)),
    );
}

function defineChanges(runs: Command, invoke: Invoke): void {
  const changes = () => import('../actions/run-changes.ts');
  runs
    .command('fork')
    .description('start a new run that goes on before a step of this one; what came before is not done again')
    .argument('<run>', 'its id, or the beginning of it')
    .option(
      '--step <path>',
      'the step that is to run again, as the trace names it; without it: from the beginning',
    )
    .option('-i, --input <json>', 'another input: JSON, @file with JSON, or - for standard input')
    .option('--version <number>', 'another version of the workflow', positiveInteger)
    .action((id, options, at) => invoke(at, async (session) => (await changes()).fork(session, id, options)));
  many(
    runs.command('migrate').description('move runs that queue, wait or are paused to another version'),
    'move',
  )
    .option('--version <number>', 'to this version instead of the newest', positiveInteger)
    .action((id, options, at) =>
      invoke(at, async (session) => {
        if (id !== undefined) return (await changes()).migrate(session, id, options.version);
        return (await import('../actions/bulk.ts')).bulk(session, { verb: 'migrate', ...options });
      }),
    );
  many(runs.command('delete').description('delete ended runs, with their steps'), 'delete').action(
    (id, options, at) =>
      invoke(at, async (session) => {
        if (id !== undefined) return (await changes()).remove(session, id);
        return (await import('../actions/bulk.ts')).bulk(session, { verb: 'delete', ...options });
      }),
  );
  runs
    .command('verbs')
    .description('what can be done to a run in which state')
    .action((_options, at) => invoke(at, async (session) => (await changes()).verbs(session)));
}

const VERBS = [
  ['cancel', 'stop a run for good'],
  ['pause', 'let a run finish the step under way and then hold'],
  ['resume', 'let a paused run go on'],
  ['retry', 'start a failed or cancelled run again where it stopped; done steps keep their results'],
] as const;
