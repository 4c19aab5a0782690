import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM } from '#core/actor.ts';
import { ChainbotError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import type { WorkflowsPort } from './runs-port.ts';

const MOST_FILES = 500;
const LARGEST = 256 * 1024;

/** Knows a definition by its text, so that an unchanged file is not read again. */
export interface SourceFinder {
  findSource(source: string): string | undefined;
}

/** What came of a folder of workflow files. */
export interface FolderResult {
  readonly stored: readonly string[];
  readonly failed: readonly { readonly file: string; readonly message: string }[];
}

/**
 * Stores every *.yaml, *.yml and *.json of a folder as workflows; an unchanged file makes no new version. A
 * file that is wrong costs itself only, and is named with its faults.
 */
export async function storeFolder(
  folder: string,
  workflows: Pick<WorkflowsPort, 'save'> & SourceFinder,
  log: Log,
): Promise<FolderResult> {
  const stored: string[] = [];
  const failed: { file: string; message: string }[] = [];
  for (const file of await workflowFiles(folder, failed)) {
    try {
      const path = join(folder, file);
      if ((await stat(path)).size > LARGEST) throw new Error('it is larger than 256 KiB');
      const type = file.endsWith('.json') ? 'json' : 'yaml';
      const source = await readFile(path, 'utf8');
      const known = workflows.findSource(source);
      if (known !== undefined) {
        stored.push(known);
        continue;
      }
      const { name, version, created } = await workflows.save(source, type, SYSTEM);
      stored.push(name);
      if (created) log.info({ workflow: name, version, file }, 'stored a workflow from its file');
    } catch (error) {
      const message = worded(error);
      failed.push({ file, message });
      log.error({ file, err: error }, `a workflow file was not stored: ${message}`);
    }
  }
  return { stored, failed };
}

async function workflowFiles(folder: string, failed: { file: string; message: string }[]): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    return names.slice(0, MOST_FILES);
  } catch (error) {
    failed.push({ file: folder, message: (error as Error).message });
    return [];
  }
}

function worded(error: unknown): string {
  if (!(error instanceof ChainbotError) || error.faults.length === 0) return (error as Error).message;
  return error.faults
    .map(({ line, column, path, message }) => `${line ?? '?'}:${column ?? '?'} ${path} ${message}`)
    .join('; ');
}
