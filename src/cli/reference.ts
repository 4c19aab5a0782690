import type { Command } from 'commander';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { buildProgram, COMMON_GROUP, COMMON_NOTE } from './program.ts';

const WIDTH = 100;

/** docs/cli.md, from the same definitions as --help. Pure: the same text for the same commands. */
export function cliReference(): string {
  const program = buildProgram(async () => {}, '');
  const commands = [...leaves(program)];
  return `${[
    '# The chainbot command',
    '',
    '<!-- Generated from src/cli by scripts/generate.ts. Do not edit: change the commands and generate again. -->',
    '',
    INTRODUCTION,
    '',
    '## Exit status',
    '',
    '| status | meaning |',
    '| --- | --- |',
    ...EXIT_MEANINGS.map(({ code, meaning }) => `| ${code} | ${meaning} |`),
    '',
    '## For every command',
    '',
    '```text',
    commonHelp(program),
    '```',
    '',
    ...commands.flatMap((command) => [`## ${trailOf(command)}`, '', '```text', plain(command), '```', '']),
  ]
    .join('\n')
    .trimEnd()}\n`;
}

const INTRODUCTION = `\`chainbot\` talks to the daemon, over its unix socket or over HTTP. In a checkout it is \`scripts/chainbot\`.

Which daemon: \`--url\` or \`--socket\`, else \`$CHAINBOT_URL\`, else \`$ALEX_OS_CHAINBOT_SOCKET\`, else
\`$ALEX_OS_CHAINBOT_DATA_DIR/chainbot.sock\`, else the checkout's \`data/chainbot.sock\` when the command or the current
folder is in one, else \`/run/chainbot/chainbot.sock\`. The first that is named is the one that is asked, whether or not
it answers. The socket needs no token; \`--url\` takes it from \`--token\` or \`$CHAINBOT_TOKEN\`.

Results go to standard output; errors, notes and progress to standard error. On a terminal tables are cut to its width;
into a file or a pipe they are whole. \`--json\` prints the API's own JSON and nothing else. A run may be given by its id,
by the beginning of it, or as \`last\` for the newest.`;

function* leaves(command: Command): Generator<Command> {
  const subs = command.createHelp().visibleCommands(command);
  if (subs.length === 0) yield command;
  for (const sub of subs) yield* leaves(sub);
}

function trailOf(command: Command): string {
  return command.parent === null ? command.name() : `${trailOf(command.parent)} ${command.name()}`;
}

function commonHelp(program: Command): string {
  const help = program.createHelp();
  help.helpWidth = WIDTH;
  const options = program.options.filter((option) => option.helpGroupHeading === COMMON_GROUP);
  const widest = Math.max(...options.map((option) => option.flags.length));
  return options.map((option) => help.formatItem(option.flags, widest, option.description, help)).join('\n');
}

/** A command's help as it is printed, without the line that points to the common options. */
function plain(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.replace(COMMON_NOTE, '').trimEnd();
}
