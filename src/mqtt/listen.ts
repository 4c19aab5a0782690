import type { Server } from 'node:net';
import { TerminalError } from '#core/errors.ts';

/** Who holds a TCP port, as far as this user may see it. */
export type PortOwner = (port: number) => { readonly pid: number; readonly command: string } | undefined;

/**
 * Listens on an address for MQTT clients.
 * @throws TerminalError `mqtt.port_taken` with who holds it, `mqtt.listen_failed`
 */
export function listen(server: Server, host: string, port: number, portOwner?: PortOwner): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port, portOwner)));
    server.listen({ host, port }, () => resolve());
  });
}

function listenError(
  error: Error & { readonly code?: string },
  host: string,
  port: number,
  portOwner: PortOwner | undefined,
): TerminalError {
  if (error.code === 'EADDRINUSE') {
    const holder = portOwner?.(port);
    const who = holder ? `is held by ${holder.command} (pid ${holder.pid})` : 'is taken already';
    return new TerminalError('conflict', 'mqtt.port_taken', `port ${port} on ${host} ${who}`, {
      hint:
        `If that is an MQTT broker, use it: mqtt.url: mqtt://${host}:${port}. Or choose another port: ` +
        'ALEX_OS_CHAINBOT_MQTT__EMBEDDED__PORT=1884 (0 takes a free one).',
      cause: error,
    });
  }
  return new TerminalError(
    'failed',
    'mqtt.listen_failed',
    `cannot listen on ${host}:${port}: ${error.message}`,
    {
      hint: 'Check mqtt.embedded.host (an address of this machine) and mqtt.embedded.port (above 1023).',
      cause: error,
    },
  );
}
