import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TerminalError } from '#core/errors.ts';
import type { CliIo } from './io.ts';

/** Writes a file that is not there yet. @throws TerminalError `cli.file_exists`, `cli.file_unwritable` */
export async function writeNew(file: string, text: string, io: CliIo): Promise<void> {
  try {
    await writeFile(resolve(io.cwd, file), text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new TerminalError('invalid', 'cli.file_exists', `${file} is there already`, {
        hint: 'Give another name, or take it away first.',
      });
    }
    throw new TerminalError(
      'invalid',
      'cli.file_unwritable',
      `cannot write ${file}: ${(error as Error).message}`,
      {
        cause: error,
        hint: 'Give the path of a file in a folder that you may write.',
      },
    );
  }
}
