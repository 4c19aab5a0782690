import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import type { RunnableVersion } from '../workflow-catalog.ts';

/** The input with its schema's defaults. @throws TerminalError `run.input_invalid` with every fault */
export function checkedInput(version: RunnableVersion, input: Json): Json {
  const result = version.compiled.validateInput(input);
  if (result.ok) return result.value;
  const first = result.faults[0];
  const where = first ? `: ${first.path ? `${first.path}: ` : ''}${first.message}` : '';
  throw new TerminalError(
    'invalid',
    'run.input_invalid',
    `the input does not fit "${version.name}"${where}`,
    {
      hint: `See \`chainbot workflows show ${version.name}\` for the input it takes.`,
      faults: result.faults,
    },
  );
}
