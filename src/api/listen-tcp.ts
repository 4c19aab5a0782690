import { TerminalError } from '#core/errors.ts';
import type { ApiDeps } from './api-deps.ts';
import type { HttpListener } from './http-listener.ts';

/**
 * Listens on a host and port; 0 takes a free one.
 * @throws TerminalError `api.port_taken` with who holds it, `api.port_forbidden`, `api.host_unknown`
 */
export async function listenTcp(
  listener: HttpListener,
  host: string,
  port: number,
  portOwner: ApiDeps['portOwner'],
): Promise<void> {
  try {
    await listener.listen({ host, port, exclusive: true });
  } catch (error) {
    throw await explained(error as NodeJS.ErrnoException, host, port, portOwner);
  }
}

async function explained(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  portOwner: ApiDeps['portOwner'],
): Promise<unknown> {
  const where = `port ${port} on ${host}`;
  if (error.code === 'EADDRINUSE') {
    const holder = await portOwner?.(port).catch(() => undefined);
    const who = holder ? `${holder.command} (pid ${holder.pid})` : 'another process';
    return new TerminalError('conflict', 'api.port_taken', `${where} is held by ${who}`, {
      cause: error,
      hint: 'End that process, or choose another port: ALEX_OS_CHAINBOT_PORT=8001 (0 takes a free one).',
    });
  }
  if (error.code === 'EACCES') {
    return new TerminalError('forbidden', 'api.port_forbidden', `${where} needs more rights`, {
      cause: error,
      hint: 'Choose a port above 1023.',
    });
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return new TerminalError('invalid', 'api.host_unknown', `this machine has no address ${host}`, {
      cause: error,
      hint: 'Use 127.0.0.1 for this machine only, 0.0.0.0 for every network.',
    });
  }
  return error;
}
