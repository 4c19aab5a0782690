import { type Argument, Command, type HelpConfiguration, Option } from 'commander';
import { defineApprovals } from './commands/approvals.ts';
import { defineCompletion } from './commands/completion.ts';
import { defineDaemon } from './commands/daemon.ts';
import type { Define, Invoke } from './commands/invoke.ts';
import { defineOutbox } from './commands/outbox.ts';
import { defineEvents, defineNotifications, defineTokens } from './commands/records.ts';
import { defineRun, defineRuns } from './commands/runs.ts';
import { defineSecrets } from './commands/secrets.ts';
import { defineDevices, defineSimulator } from './commands/things.ts';
import { defineTriggers } from './commands/triggers.ts';
import { defineWorkbench } from './commands/workbench.ts';
import { defineWorkflows } from './commands/workflows.ts';

/** The options that every command takes, before or after its name. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly color?: boolean;
  readonly socket?: string;
  readonly url?: string;
  readonly token?: string;
}

export const COMMON_GROUP = 'For every command:';
/** Stands below the help of each command. */
export const COMMON_NOTE = 'Options for every command (--json, --url …): chainbot --help';
const HELP_OPTION = new Option('-h, --help', 'display help for command');

const GROUPS: readonly (readonly [heading: string, define: readonly Define[]])[] = [
  ['Look:', [defineDaemon, defineEvents, defineNotifications, defineApprovals, defineOutbox]],
  ['Work:', [defineWorkflows, defineTriggers, defineRun, defineRuns, defineWorkbench]],
  ['Things:', [defineDevices, defineSimulator]],
  ['Set-up:', [defineTokens, defineSecrets, defineCompletion]],
];

const EXAMPLES = `
Examples:
  chainbot status
  chainbot workflows add my-workflow.yaml
  chainbot run greenhouse-cooling --input '{"limit": 28}' --follow
  chainbot runs list --status failed
  chainbot events --follow --type 'chainbot.device.*'`;

/** The whole command tree; `invoke` runs what was asked for. */
export function buildProgram(invoke: Invoke, version: string): Command {
  const program = new Command('chainbot')
    .description('Durable workflows, devices and agents on this appliance: the command line.')
    .version(version, '-V, --version', 'print the version of this command')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('Help: chainbot --help, chainbot COMMAND --help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES);
  for (const [heading, defines] of GROUPS) {
    program.commandsGroup(heading);
    for (const define of defines) define(program, invoke);
  }
  addCommonOptions(program);
  return program;
}

/** The help of a command leaves out what `chainbot --help` says for all of them. */
const SUB_HELP: HelpConfiguration = {
  subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
  visibleOptions: (command) => [
    ...command.options.filter((option) => !option.hidden && option.helpGroupHeading !== COMMON_GROUP),
    HELP_OPTION,
  ],
};

function argumentTerm(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

// Common options are added to each command, rather than to the program alone, so that they work where people
// write them: at the end.
function addCommonOptions(command: Command): void {
  for (const option of commonOptions()) command.addOption(option.helpGroup(COMMON_GROUP));
  for (const sub of command.commands) {
    sub.configureHelp(SUB_HELP).helpCommand(false);
    sub.addHelpText('after', `\n${COMMON_NOTE}`);
    addCommonOptions(sub);
  }
}

function commonOptions(): Option[] {
  return [
    new Option('--json', "print the API's answer as JSON, for programs"),
    new Option('--socket <path>', "the daemon's unix socket (or $ALEX_OS_CHAINBOT_SOCKET)"),
    new Option('--url <url>', 'a daemon over HTTP instead (or $CHAINBOT_URL)'),
    new Option(
      '--token <secret>',
      'the bearer token for --url; better in $CHAINBOT_TOKEN, which ps does not show',
    ),
    new Option('--no-color', 'no colours (or $NO_COLOR)'),
  ];
}

/** The common options of a command: what stands nearest to it wins. */
export function commonOptionsOf(command: Command): CommonOptions {
  const chain: Command[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) chain.unshift(at);
  const found: Record<string, unknown> = {};
  for (const link of chain) {
    for (const name of ['json', 'color', 'socket', 'url', 'token']) {
      if (link.getOptionValueSource(name) === 'cli') found[name] = link.getOptionValue(name);
    }
  }
  return found;
}
