import { type Define, group } from './invoke.ts';
import { naturalNumber, positiveInteger, texts } from './values.ts';

export const defineEvents: Define = (program, invoke) => {
  program
    .command('events')
    .description('the event log: the newest events, or all that come with --follow')
    .option('-f, --follow', 'go on until Ctrl-C; with --json one event per line')
    .option(
      '-t, --type <type>',
      'these types only, commas between; a trailing * is a prefix (chainbot.step.*)',
      texts,
    )
    .option('--subject <subject>', 'about this only (run/0192…, device/pump)')
    .option('--since <seq>', 'the events after this sequence number; 0 is the oldest kept', naturalNumber)
    .option('-n, --limit <number>', 'how many at most; not with --follow', positiveInteger, 50)
    .action((options, command) =>
      invoke(command, async (session) => (await import('../actions/events.ts')).events(session, options)),
    );
};

export const defineTokens: Define = (program, invoke) => {
  const tokens = group(program, 'token', 'bearer tokens for the HTTP API');
  const actions = () => import('../actions/tokens.ts');
  tokens
    .command('create')
    .description('make a token; it is shown this once')
    .requiredOption('--name <name>', 'what or whom it is for')
    .action((options, command) =>
      invoke(command, async (session) => (await actions()).create(session, options.name)),
    );
  tokens
    .command('list')
    .description('the tokens that work, and when each was last used')
    .action((_options, command) => invoke(command, async (session) => (await actions()).list(session)));
  tokens
    .command('revoke')
    .description('make a token invalid at once')
    .argument('<token>', 'its id or its name')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await actions()).revoke(session, id)),
    );
};

export const defineNotifications: Define = (program, invoke) => {
  const notifications = group(program, 'notifications', 'what workflows had to tell you');
  const actions = () => import('../actions/notifications.ts');
  notifications
    .command('list')
    .description('the newest notifications')
    .option('-n, --limit <number>', 'how many at most', positiveInteger, 20)
    .action((options, command) =>
      invoke(command, async (session) => (await actions()).list(session, options.limit)),
    );
  notifications
    .command('acknowledge')
    .description('say that somebody has seen it; its key may be told again')
    .argument('<notification>', 'its id, or the beginning of it')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await actions()).acknowledge(session, id)),
    );
};
