import type { CommandSpec, ValueSpec } from './spec.ts';

/** A word that a shell takes as it stands. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** How the scripts write what belongs in a place: `names run`, `choices a b`, `file`, `any`. */
export function wanted(value: ValueSpec): string {
  switch (value.kind) {
    case 'choices':
      return `choices ${value.choices.join(' ')}`;
    case 'names':
      return `names ${value.of}`;
    default:
      return value.kind;
  }
}

/** `case` arms for bash and zsh that set `want` for an option with a value: `'runs list --limit'|'runs list -n'`. */
export function optionArms(specs: readonly CommandSpec[]): string[] {
  return specs.flatMap(({ trail, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [`${names.map((name) => quote(`${trail} ${name}`)).join('|')}) want=${quote(wanted(value))} ;;`],
    ),
  );
}

/** `case` arms that set `want` for the n-th argument: `'runs show 0'`. */
export function argumentArms(specs: readonly CommandSpec[]): string[] {
  return specs.flatMap(({ trail, values }) =>
    values.map((value, index) => `${quote(`${trail} ${index}`)}) want=${quote(wanted(value))} ;;`),
  );
}

/** The trails that have commands of their own, as one `case` pattern of `trail word` pairs. */
export function commandPattern(specs: readonly CommandSpec[]): string {
  return specs
    .flatMap(({ trail, commands }) => commands.map(({ name }) => quote(`${trail} ${name}`)))
    .join('|');
}

export function indented(lines: readonly string[], spaces: number): string {
  return lines.map((line) => ' '.repeat(spaces) + line).join('\n');
}
