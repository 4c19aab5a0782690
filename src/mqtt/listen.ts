import type { Server } from 'node:net';
import { TerminalError } from '#core/errors.ts';

/**
 * Listens on an address for MQTT clients.
 * @throws TerminalError `mqtt.port_taken`, `mqtt.listen_failed`
 */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen({ host, port }, () => resolve());
  });
}

function listenError(error: Error & { readonly code?: string }, host: string, port: number): TerminalError {
  if (error.code === 'EADDRINUSE') {
    return new TerminalError('conflict', 'mqtt.port_taken', `port ${port} on ${host} is taken already`, {
      hint:
        `Another MQTT broker may run there: use it with mqtt.url: mqtt://${host}:${port}, ` +
        'or set mqtt.embedded.port to another port (0 takes a free one).',
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
