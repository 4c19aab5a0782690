import { chmod, chown, lstat, readFile, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { TerminalError } from '#core/errors.ts';
import type { HttpListener } from './http-listener.ts';

/** sockaddr_un's sun_path is 108 bytes with its end (unix(7)). */
const LONGEST_PATH = 107;

/**
 * Listens on a unix socket that only its owner may open (0600), or also a group (0660). A socket file that a
 * dead daemon left is removed; a live one is not.
 * @throws TerminalError `api.socket_taken`, `api.socket_path`, `api.socket_group`
 */
export async function listenSocket(
  listener: HttpListener,
  path: string,
  group: string | undefined,
): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new TerminalError(
      'invalid',
      'api.socket_path',
      `the socket's path is longer than ${LONGEST_PATH} bytes`,
      {
        hint: 'Choose a shorter one: ALEX_OS_CHAINBOT_SOCKET=/run/chainbot/chainbot.sock.',
      },
    );
  }
  const gid = group === undefined ? undefined : await groupId(group);
  await removeStale(path);
  await listenPrivately(listener, path);
  await chmod(path, 0o600);
  if (gid === undefined) return;
  await chown(path, -1, gid).catch((error: unknown) => {
    throw new TerminalError(
      'forbidden',
      'api.socket_group',
      `may not give the socket to the group ${group}`,
      {
        cause: error,
        hint: "Make the daemon's user a member of it: usermod -aG.",
      },
    );
  });
  await chmod(path, 0o660);
}

/** The file is made while listen() is called, so that there is no moment in which others may open it. */
async function listenPrivately(listener: HttpListener, path: string): Promise<void> {
  const before = process.umask(0o177);
  let listening: Promise<void>;
  try {
    listening = listener.listen({ path });
  } finally {
    process.umask(before);
  }
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw new TerminalError('failed', 'api.socket_path', `can not listen on ${path}: ${error.code}`, {
      cause: error,
      hint: "Does its folder exist, and may the daemon's user write there?",
    });
  });
}

async function removeStale(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat) return;
  if (!stat.isSocket()) {
    throw new TerminalError('conflict', 'api.socket_path', `${path} is there already and is not a socket`, {
      hint: 'Move it away, or choose another path for the socket.',
    });
  }
  if (await isAlive(path)) {
    throw new TerminalError('conflict', 'api.socket_taken', `another process answers on ${path}`, {
      hint: 'Another ChainBot runs here: stop it first, or choose another socket.',
    });
  }
  await unlink(path).catch(() => {});
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const tell = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.once('connect', () => tell(true));
    // Full queue or no right to connect: somebody is there.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      tell(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

/** A group's number from /etc/group, or the number itself. */
async function groupId(group: string): Promise<number> {
  if (/^\d{1,9}$/.test(group)) return Number(group);
  const text = await readFile('/etc/group', 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [name, , gid] = line.split(':');
    if (name === group && gid !== undefined) return Number(gid);
  }
  throw new TerminalError('invalid', 'api.socket_group', `there is no group "${group}"`, {
    hint: `Make it: groupadd ${group}.`,
  });
}
