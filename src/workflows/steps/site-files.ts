import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { basename, isAbsolute, join, sep } from 'node:path';
import { RetryableError, TerminalError } from '#core/errors.ts';

export interface SiteFile {
  readonly name: string;
  /** By the name's ending. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** Reads files that steps may send: those below one folder, wherever links and dots in a path would lead. */
export interface SiteFiles {
  /**
   * The whole file; `path` is below the folder.
   * @throws TerminalError `file.outside`, `file.not_found`, `file.too_large`
   * @throws RetryableError `file.unreadable`
   */
  read(path: string, maxBytes: number): Promise<SiteFile>;
}

/** The files below `folder`, which need not be there yet. */
export function siteFiles(folder: string): SiteFiles {
  return {
    async read(path, maxBytes) {
      if (isAbsolute(path) || path.includes('\0')) throw outside(path, folder);
      // O_NONBLOCK: a pipe must not hold the step until somebody writes to it.
      const handle = await open(join(folder, path), constants.O_RDONLY | constants.O_NONBLOCK).catch(
        (error: NodeJS.ErrnoException) => {
          throw unopened(error, path, folder);
        },
      );
      try {
        return {
          name: basename(path),
          type: typeOf(path),
          bytes: await readInside(handle, path, folder, maxBytes),
        };
      } finally {
        await handle.close();
      }
    },
  };
}

/** What was opened decides, not what the path said: nothing can be changed in between. */
async function readInside(
  handle: FileHandle,
  path: string,
  folder: string,
  maxBytes: number,
): Promise<Buffer> {
  const [real, root] = await Promise.all([readlink(`/proc/self/fd/${handle.fd}`), realpath(folder)]);
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw outside(path, folder);
  const stat = await handle.stat();
  if (!stat.isFile()) throw missing(path, folder);
  if (stat.size > maxBytes) throw tooLarge(path, maxBytes);
  const buffer = Buffer.alloc(stat.size + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = (await handle.read(buffer, length, buffer.length - length)).bytesRead;
  }
  // It may have grown meanwhile.
  if (length > stat.size) throw new RetryableError('file.unreadable', `the file ${path} is being written`);
  return buffer.subarray(0, length);
}

function unopened(error: NodeJS.ErrnoException, path: string, folder: string): Error {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return missing(path, folder);
  return new RetryableError('file.unreadable', `the file ${path} cannot be read: ${error.message}`, {
    hint: 'Check who may read it: the daemon has a user of its own.',
    cause: error,
  });
}

function missing(path: string, folder: string): TerminalError {
  return new TerminalError('not_found', 'file.not_found', `there is no file "${path}" in ${folder}`, {
    hint: 'Paths are below files_dir, like scans/door.jpg.',
  });
}

function outside(path: string, folder: string): TerminalError {
  return new TerminalError('forbidden', 'file.outside', `"${path}" is not below ${folder}`, {
    hint: 'Steps reach files below files_dir only; put the file there.',
  });
}

function tooLarge(path: string, maxBytes: number): TerminalError {
  return new TerminalError(
    'too_large',
    'file.too_large',
    `the file ${path} is larger than ${maxBytes} bytes`,
  );
}

const TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  gif: 'image/gif',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/markdown',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  wav: 'audio/wav',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  zip: 'application/zip',
};

/** Media type by a name's ending. */
export function typeOf(name: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return TYPES[ending] ?? 'application/octet-stream';
}
