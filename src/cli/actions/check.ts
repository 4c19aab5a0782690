import type { CheckAnswer } from '#api/contract/workbench.ts';
import { ChainbotError } from '#core/errors.ts';
import { sourceType } from '../definition-file.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readText } from '../input.ts';
import type { Session } from '../session.ts';
import { loadStaticCheck } from '../static-check.ts';
import type { Screen } from '../view/screen.ts';
import { printable } from '../view/text.ts';

export interface CheckOptions {
  readonly strict?: boolean;
  readonly offline?: boolean;
}

type Checked = CheckAnswer & { readonly file: string };

/** Checks definitions like a compiler: `file:line:column severity place: message`, the hint below. */
export async function check(
  session: Session,
  files: readonly string[],
  options: CheckOptions,
): Promise<ExitCode> {
  const { screen, json } = session;
  let offline = options.offline === true;
  const checked: Checked[] = [];
  for (const file of files) {
    const source = await readText(file, session.io);
    const type = sourceType(file, source);
    const answer = offline ? undefined : await askDaemon(session, source, type);
    if (answer === undefined && !offline) {
      offline = true;
      screen.note(
        screen.paintNote('dim', 'No daemon answers: nothing is said of devices and stored workflows.'),
      );
    }
    const found = answer ?? (await loadStaticCheck()).checkStatically(source, type);
    checked.push({ file: file === '-' ? 'standard input' : file, ...found });
  }
  if (json) screen.json({ files: checked });
  else for (const one of checked) printChecked(one, screen);
  return exitOf(checked, options.strict === true);
}

async function askDaemon(
  session: Session,
  source: string,
  type: 'yaml' | 'json',
): Promise<CheckAnswer | undefined> {
  try {
    return await (await session.api()).checkWorkflow(source, type);
  } catch (error) {
    if (error instanceof ChainbotError && error.code === 'client.unreachable') return undefined;
    throw error;
  }
}

function printChecked({ file, problems }: Checked, screen: Screen): void {
  for (const { severity, line = 1, column = 1, path, message, hint } of problems) {
    const place = screen.paint('bold', `${printable(file)}:${line}:${column}`);
    const word = screen.paint(severity === 'error' ? 'red' : 'yellow', severity);
    screen.line(`${place} ${word} ${path === '' ? '' : `${printable(path)}: `}${printable(message)}`);
    if (hint !== undefined) screen.line(`    ${screen.paint('cyan', 'hint:')} ${printable(hint)}`);
  }
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const counts = [counted(errors, 'error'), counted(warnings, 'warning')].filter((text) => text !== '');
  screen.note(`${printable(file)}: ${counts.length === 0 ? 'nothing to mend' : counts.join(', ')}`);
}

function counted(count: number, word: string): string {
  return count === 0 ? '' : `${count} ${word}${count === 1 ? '' : 's'}`;
}

function exitOf(checked: readonly Checked[], strict: boolean): ExitCode {
  if (checked.some(({ ok }) => !ok)) return EXIT.refused;
  return strict && checked.some(({ problems }) => problems.length > 0) ? EXIT.failed : EXIT.ok;
}
