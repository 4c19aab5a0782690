import { type Fault, TerminalError } from '#core/errors.ts';

/** A {@link Fault} and where it was written. */
export interface ConfigFault extends Fault {
  /** A file's path or a variable's name; undefined when nothing was written and a default is at fault. */
  readonly source: string | undefined;
}

/** The configuration cannot be used. Carries every fault, not the first; main.ts exits with 78 (EX_CONFIG). */
export class ConfigError extends TerminalError {
  declare readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const what = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
    super('invalid', 'config.invalid', `the configuration has ${what}`, {
      hint: 'Mend each one and start again. docs/configuration.md lists every key.',
      faults,
    });
  }
}

/**
 * The faults for a terminal, one after the other:
 *
 *     config.yaml:3  mqtt.embedded.port: must be a number
 *                    mend: write a whole number from 0 to 65535, …
 */
export function formatConfigError(error: ConfigError): string {
  const lines = [`chainbot: ${error.message}, so it did not start.`, ''];
  for (const fault of error.faults) {
    const line = fault.line === undefined ? '' : `:${fault.line}`;
    const where = fault.source === undefined ? '' : `${fault.source}${line}  `;
    lines.push(`  ${where}${fault.path ? `${fault.path}: ` : ''}${fault.message}`);
    if (fault.hint !== undefined) lines.push(`      mend: ${fault.hint}`);
  }
  return `${lines.join('\n')}\n\n${error.hint}\n`;
}
