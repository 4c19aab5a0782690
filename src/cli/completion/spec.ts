import { type Argument, type Command, Option } from 'commander';

/** What may stand in the place of an argument. */
export type ValueSpec =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  /** Names that only the daemon knows: `chainbot complete <of>`. */
  | { readonly kind: 'names'; readonly of: NameKind }
  | { readonly kind: 'file' }
  | { readonly kind: 'any' };

export const NAME_KINDS = [
  'workflow',
  'run',
  'device',
  'token',
  'secret-name',
  'template',
  'email',
  'notification',
] as const;
export type NameKind = (typeof NAME_KINDS)[number];

export interface OptionSpec {
  /** `--limit`, `-n`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Absent: it is a flag. */
  readonly value: ValueSpec | undefined;
}

export interface CommandSpec {
  /** `runs show`; empty for the program itself. */
  readonly trail: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionSpec[];
  readonly values: readonly ValueSpec[];
}

const HELP = new Option('-h, --help', 'display help for command');

/** Every command with its options, as the completion scripts need them. Hidden ones are left out. */
export function completionSpec(program: Command): CommandSpec[] {
  return [...specs(program, '')];
}

function* specs(command: Command, trail: string): Generator<CommandSpec> {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  yield {
    trail,
    commands: commands.map((sub) => ({ name: sub.name(), description: sub.description() })),
    options: [...command.options, HELP].filter(({ hidden }) => !hidden).map(optionSpec),
    values: command.registeredArguments.map((argument) => valueSpec(argument.name(), argument)),
  };
  for (const sub of commands) yield* specs(sub, `${trail} ${sub.name()}`.trim());
}

function optionSpec(option: Option): OptionSpec {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const placeholder = /<(.+)>/.exec(option.flags)?.[1];
  return {
    names,
    description: option.description,
    value: placeholder === undefined ? undefined : valueSpec(placeholder, option),
  };
}

// An argument's name says what it is: <run> is completed with runs wherever it stands.
function valueSpec(name: string, { argChoices }: Pick<Argument | Option, 'argChoices'>): ValueSpec {
  if (argChoices !== undefined) return { kind: 'choices', choices: argChoices };
  if (name === 'file' || name === 'path') return { kind: 'file' };
  const of = NAME_KINDS.find((kind) => kind === name);
  return of === undefined ? { kind: 'any' } : { kind: 'names', of };
}
