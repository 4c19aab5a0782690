import { Option } from 'commander';
import { type Define, group } from './invoke.ts';
import { texts } from './values.ts';

export const SECRET_TYPES = ['text', 'bearer', 'basic', 'header', 'query'] as const;

const SET_HELP = `
The value is asked for and not shown, or read from standard input; it never stands on the command line.

Examples:
  chainbot secrets set telegram_token
  pass show weather | chainbot secrets set weather --type query --parameter appid --host api.openweathermap.org
  chainbot secrets set shelly --type basic --user admin --host 192.168.1.20`;

export const defineSecrets: Define = (program, invoke) => {
  const secrets = group(program, 'secrets', 'passwords and tokens for steps; no command ever prints a value');
  const actions = () => import('../actions/secrets.ts');
  secrets
    .command('set')
    .description('store a secret, or a new value of one')
    .argument('<secret-name>', 'what steps call it')
    .addOption(
      new Option('--type <type>', 'text for secret(); the others are added to requests').choices(
        SECRET_TYPES,
      ),
    )
    .option('--host <host>', 'a host a credential may be sent to; commas between, or again', texts)
    .option('--user <name>', 'of basic: the user name; the value is the password')
    .option('--header <name>', 'of header: which one')
    .option('--parameter <name>', 'of query: which one')
    .addHelpText('after', SET_HELP)
    .action((name, options, command) =>
      invoke(command, async (session) => (await actions()).set(session, name, options)),
    );
  secrets
    .command('list')
    .description('the secrets there are, and where credentials may be sent')
    .action((_options, command) => invoke(command, async (session) => (await actions()).list(session)));
  secrets
    .command('remove')
    .description('remove a secret; steps that use it fail from now on')
    .argument('<secret-name>', 'its name')
    .action((name, _options, command) =>
      invoke(command, async (session) => (await actions()).remove(session, name)),
    );
  secrets
    .command('rotate')
    .description('wrap every secret with the next root key')
    .action((_options, command) => invoke(command, async (session) => (await actions()).rotate(session)));
};
