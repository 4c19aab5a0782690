import type { ClientRequest, IncomingMessage } from 'node:http';

/**
 * Sends and waits for the head of the answer. A kept connection may have been closed by the other side at the
 * very moment it is used again: what may be sent twice is then sent once more on a fresh one.
 */
export async function sendRequest(
  kept: () => ClientRequest,
  fresh: () => ClientRequest,
  body: string | Uint8Array | undefined,
): Promise<IncomingMessage> {
  const call = kept();
  try {
    return await send(call, body);
  } catch (error) {
    const repeatable = !/^(POST|PATCH)$/.test(call.method) || call.hasHeader('idempotency-key');
    const hungUp = (error as { code?: unknown }).code === 'ECONNRESET';
    if (!(call.reusedSocket && hungUp && repeatable)) throw error;
    return send(fresh(), body);
  }
}

function send(call: ClientRequest, body: string | Uint8Array | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once('response', resolve);
    // Stays for the life of the request: an error after the answer began shows while reading it.
    call.on('error', reject);
    call.end(body);
  });
}
