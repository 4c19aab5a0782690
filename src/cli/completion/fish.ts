import type { CommandSpec, OptionSpec, ValueSpec } from './spec.ts';

/** The completion script for fish 3 and newer. */
export function fishCompletion(specs: readonly CommandSpec[]): string {
  const trails = specs.flatMap(({ trail, commands }) =>
    commands.map(({ name }) => quote(`${trail} ${name}`)),
  );
  const valued = specs.flatMap(({ trail, options }) =>
    options
      .filter(({ value }) => value !== undefined)
      .flatMap(({ names }) => names.map((name) => quote(`${trail} ${name}`))),
  );
  return `# fish completion for chainbot. Made by: chainbot completion fish

set -g __chainbot_commands ${trails.join(' ')}
set -g __chainbot_valued ${valued.join(' ')}

# Reads the line up to the cursor: the command in __chainbot_trail, how many arguments it has in
# __chainbot_args, and which daemon is meant in __chainbot_link.
function __chainbot_read
    set -g __chainbot_trail ''
    set -g __chainbot_args 0
    set -g __chainbot_link
    set -l skip ''
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if test -n "$skip"
            contains -- $skip --socket --url --token; and set -ga __chainbot_link $skip $word
            set skip ''
        else if string match -q -- '-*' $word
            contains -- "$__chainbot_trail $word" $__chainbot_valued; and set skip $word
        else if contains -- "$__chainbot_trail $word" $__chainbot_commands
            set -g __chainbot_trail (string trim -- "$__chainbot_trail $word")
        else
            set -g __chainbot_args (math $__chainbot_args + 1)
        end
    end
end

function __chainbot_at
    __chainbot_read
    test "$__chainbot_trail" = "$argv[1]"
end

function __chainbot_argument
    __chainbot_at $argv[1]; and test $__chainbot_args -eq $argv[2]
end

# What the daemon knows by name; nothing when it does not answer.
function __chainbot_names
    __chainbot_read
    command chainbot complete $argv[1] $__chainbot_link 2>/dev/null
end

complete -c chainbot -f
${specs.flatMap(lines).join('\n')}
`;
}

function lines(spec: CommandSpec): string[] {
  const at = `complete -c chainbot -n ${quote(`__chainbot_argument ${quote(spec.trail)} 0`)}`;
  return [
    ...spec.commands.map(({ name, description }) => `${at} -a ${name} -d ${quote(description)}`),
    ...spec.options.map((option) => optionLine(spec.trail, option)),
    ...spec.values.flatMap((value, index) => {
      const here = `complete -c chainbot -n ${quote(`__chainbot_argument ${quote(spec.trail)} ${index}`)}`;
      const what = offered(value);
      return what === '' ? [] : [`${here} ${what}`];
    }),
  ];
}

function optionLine(trail: string, { names, description, value }: OptionSpec): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const what = value === undefined ? '' : value.kind === 'file' ? ' -r -F' : ` -x ${offered(value)}`;
  const at = `complete -c chainbot -n ${quote(`__chainbot_at ${quote(trail)}`)}`;
  return `${at} ${flags.join(' ')}${what.trimEnd()} -d ${quote(description)}`;
}

function offered(value: ValueSpec): string {
  switch (value.kind) {
    case 'choices':
      return `-a ${quote(value.choices.join(' '))}`;
    case 'names':
      return `-a ${quote(`(__chainbot_names ${value.of})`)}`;
    case 'file':
      return '-F';
    case 'any':
      return '';
  }
}

/** In single quotes fish knows only \\' and \\\\ (fish language, "Quotes"). */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
