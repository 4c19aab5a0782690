import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TerminalError } from '#core/errors.ts';
import type { Environment } from './environment.ts';

/** Which daemon is meant, and why it is that one (for the message when it does not answer). */
export type Target =
  | { readonly kind: 'socket'; readonly path: string; readonly from: string }
  | { readonly kind: 'url'; readonly url: string; readonly token: string | undefined; readonly from: string };

export interface TargetOptions {
  readonly socket?: string | undefined;
  readonly url?: string | undefined;
  readonly token?: string | undefined;
}

export const SYSTEM_SOCKET = '/run/chainbot/chainbot.sock';
// sockaddr_un.sun_path has 108 bytes with its end (unix(7)).
const LONGEST_SOCKET_PATH = 107;

/**
 * Finds the daemon: --url or --socket, $CHAINBOT_URL, $ALEX_OS_CHAINBOT_SOCKET, $ALEX_OS_CHAINBOT_DATA_DIR, the
 * checkout's data folder when the command or the current directory is in one, else the installed daemon's
 * socket. The first that is named is taken, whether or not it answers: a stopped daemon never means that
 * another one is spoken to.
 * @throws TerminalError `cli.target_invalid`
 */
export function findTarget(
  options: TargetOptions,
  environment: Environment,
  cwd: string,
  programDir: string,
): Target {
  if (options.url !== undefined && options.socket !== undefined) {
    throw invalid('--url and --socket name two daemons', 'Give one of them.');
  }
  const token = options.token ?? environment.token;
  if (options.url !== undefined) return urlTarget(options.url, token, '--url says so');
  if (options.socket !== undefined) return socketTarget(resolve(cwd, options.socket), '--socket says so');
  if (environment.url !== undefined) return urlTarget(environment.url, token, '$CHAINBOT_URL says so');
  if (environment.socket !== undefined) {
    return socketTarget(resolve(cwd, environment.socket), '$ALEX_OS_CHAINBOT_SOCKET says so');
  }
  if (environment.dataDir !== undefined) {
    const path = resolve(cwd, environment.dataDir, 'chainbot.sock');
    return socketTarget(path, '$ALEX_OS_CHAINBOT_DATA_DIR says so');
  }
  const checkout = findCheckout(programDir) ?? findCheckout(cwd);
  if (checkout !== undefined) return socketTarget(join(checkout, 'data/chainbot.sock'), 'this is a checkout');
  return socketTarget(SYSTEM_SOCKET, 'that is where the installed daemon listens');
}

/** The nearest folder upwards that is a clone of ChainBot (an installed package has no scripts/run). */
export function findCheckout(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'scripts/run')) && isChainbot(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function isChainbot(packageFile: string): boolean {
  try {
    return JSON.parse(readFileSync(packageFile, 'utf8')).name === 'chainbot';
  } catch {
    return false;
  }
}

function urlTarget(text: string, token: string | undefined, from: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(`"${text}" is not an http address (${from})`, 'Write it like http://192.168.1.20:8000.');
  }
  return { kind: 'url', url: url.origin, token, from };
}

function socketTarget(path: string, from: string): Target {
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    throw invalid(
      `the socket's path is ${Buffer.byteLength(path)} bytes long (${from})`,
      `Linux takes at most ${LONGEST_SOCKET_PATH}: use a shorter path.`,
    );
  }
  return { kind: 'socket', path, from };
}

function invalid(message: string, hint: string): TerminalError {
  return new TerminalError('invalid', 'cli.target_invalid', message, { hint });
}

/** The daemon meant, in words. */
export function targetText(target: Target): string {
  return target.kind === 'url' ? target.url : target.path;
}
