import { Option } from 'commander';
import { type Define, group } from './invoke.ts';
import { positiveInteger } from './values.ts';

export const defineOutbox: Define = (program, invoke) => {
  const outbox = group(program, 'outbox', 'e-mail that waits for the mail server, and what became of it');
  const actions = () => import('../actions/outbox.ts');
  outbox
    .command('list')
    .description('the newest e-mails')
    .addOption(new Option('--status <status>', 'only these').choices(['queued', 'sent', 'failed']))
    .option('-n, --limit <number>', 'how many at most', positiveInteger, 20)
    .action((options, command) =>
      invoke(command, async (session) => (await actions()).list(session, options)),
    );
  outbox
    .command('retry')
    .description('try it now, also one that failed')
    .argument('<email>', 'its id, or the beginning of it')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await actions()).retry(session, id)),
    );
  outbox
    .command('withdraw')
    .description('do not send it any more')
    .argument('<email>', 'its id, or the beginning of it')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await actions()).withdraw(session, id)),
    );
};
