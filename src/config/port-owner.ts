import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Looking at more open files than this would hold up the message it is for. */
const MOST_FILES = 200_000;
const LISTEN = '0A';

export interface PortOwner {
  readonly pid: number;
  /** The command line, at most 200 characters. */
  readonly command: string;
}

/**
 * Which process listens on a TCP port of this machine: the socket's inode from /proc/net/tcp{,6}, then the
 * process that has it open (proc_pid_net(5), proc_pid_fd(5)). Other users' processes are visible to root only.
 * @returns undefined when nobody does, or nobody that this user may see
 */
export function portOwner(port: number, proc = '/proc'): PortOwner | undefined {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => listeningInodes(`${proc}/net/${table}`, port)));
  if (inodes.size === 0) return undefined;
  const wanted = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const budget = { files: MOST_FILES };
  for (const pid of list(proc)) {
    if (!/^\d+$/.test(pid) || !holds(`${proc}/${pid}/fd`, wanted, budget)) continue;
    return { pid: Number(pid), command: commandOf(`${proc}/${pid}`) };
  }
  return undefined;
}

/** Columns: sl, local address (hex), remote address, state, queues, timer, retransmits, uid, timeout, inode. */
function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return read(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local?.endsWith(wanted))
    .flatMap((columns) => columns[9] ?? []);
}

function holds(folder: string, wanted: ReadonlySet<string>, budget: { files: number }): boolean {
  for (const name of list(folder)) {
    if (budget.files-- <= 0) return false;
    try {
      if (wanted.has(readlinkSync(`${folder}/${name}`))) return true;
    } catch {
      // closed meanwhile
    }
  }
  return false;
}

function commandOf(folder: string): string {
  const words = read(`${folder}/cmdline`).replaceAll('\0', ' ').trim();
  return (words || read(`${folder}/comm`).trim() || 'unknown').slice(0, 200);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // another user's process, or gone
  }
}
