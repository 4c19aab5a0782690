import { type Define, group } from './invoke.ts';

export const defineTriggers: Define = (program, invoke) => {
  group(program, 'triggers', 'what starts workflows by itself')
    .command('list')
    .description('every trigger: when it fires next, when it last did, and what holds it up')
    .option('--workflow <workflow>', 'those of this workflow only')
    .action((options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/triggers.ts')).list(session, options.workflow),
      ),
    );
};
