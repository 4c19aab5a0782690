import { type Define, group } from './invoke.ts';
import { positiveInteger } from './values.ts';

const ANSWERS = [
  ['approve', 'say yes to what a run asks; the first answer stands'],
  ['reject', 'say no to what a run asks; the first answer stands'],
] as const;

export const defineApprovals: Define = (program, invoke) => {
  const approvals = group(program, 'approvals', 'what runs ask people');
  const actions = () => import('../actions/approvals.ts');
  approvals
    .command('list')
    .description('what waits for an answer, the oldest first')
    .option('-a, --all', 'those with an answer too, the newest first')
    .option('-n, --limit <number>', 'how many at most', positiveInteger, 50)
    .action((options, command) =>
      invoke(command, async (session) => (await actions()).list(session, options)),
    );
  for (const [verb, description] of ANSWERS) {
    approvals
      .command(verb)
      .description(description)
      .argument('<approval>', 'its id, or the beginning of it')
      .option('-c, --comment <text>', 'why; the run and the trace have it')
      .action((id, options, command) =>
        invoke(command, async (session) => (await actions()).answer(session, verb, id, options.comment)),
      );
  }
};
