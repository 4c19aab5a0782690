import { Option } from 'commander';
import { RUN_STATUSES } from '../run-status.ts';
import { type Define, group } from './invoke.ts';
import { duration, oneOf, positiveInteger } from './values.ts';

export const defineRun: Define = (program, invoke) => {
  program
    .command('run')
    .description('start a run of a workflow and print its id')
    .argument('<workflow>', "the workflow's name")
    .option('-i, --input <json>', 'the input: JSON, @file with JSON, or - for standard input')
    .option('--version <number>', 'this version instead of the newest', positiveInteger)
    .option('-f, --follow', 'show each step as it happens, until the run ends')
    .option('-w, --wait', 'wait until the run ends; exits 0 completed, 1 failed or cancelled')
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
    .action((id, options, command) =>
      invoke(command, async (session) => (await actions()).show(session, id, options)),
    );
  runs
    .command('follow')
    .description('show each step as it happens, until the run ends; exits 0 completed, 1 failed or cancelled')
    .argument('<run>', 'its id, or the beginning of it')
    .option('--timeout <duration>', 'at most this long; then exits 7', duration)
    .action((id, options, command) =>
      invoke(command, async (session) => (await actions()).follow(session, id, options)),
    );
  for (const [verb, description] of VERBS) {
    runs
      .command(verb)
      .description(description)
      .argument('<run>', 'its id, or the beginning of it')
      .action((id, _options, command) =>
        invoke(command, async (session) => (await actions()).steer(session, verb, id)),
      );
  }
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

const VERBS = [
  ['cancel', 'stop a run for good'],
  ['pause', 'let a run finish the step under way and then hold'],
  ['resume', 'let a paused run go on'],
  ['retry', 'start a failed or cancelled run again where it stopped; done steps keep their results'],
] as const;
