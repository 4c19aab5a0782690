import type { OutboundResponse } from './port.ts';

export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly body: string | Uint8Array | undefined;
}

/**
 * Where an answer sends a request next, or undefined when it is not to be followed. Only within the same host
 * (http to https on the default ports counts), because headers carry secrets and the host was what the owner
 * wrote. 303 becomes a GET; 307 and 308 keep method and body; 301 and 302 are followed for GET and HEAD.
 */
export function redirectOf(hop: Hop, response: OutboundResponse): Hop | undefined {
  const { status } = response;
  const location = response.headers.location;
  if (location === undefined || !URL.canParse(location, hop.url.href)) return undefined;
  const url = new URL(location, hop.url);
  if (!staysOnHost(hop.url, url)) return undefined;
  const reads = hop.method === 'GET' || hop.method === 'HEAD';
  if (status === 307 || status === 308) return { ...hop, url };
  if ((status === 301 || status === 302) && reads) return { ...hop, url };
  if (status === 303) return { method: hop.method === 'HEAD' ? 'HEAD' : 'GET', url, body: undefined };
  return undefined;
}

function staysOnHost(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  const upgraded = from.protocol === 'http:' && to.protocol === 'https:';
  return upgraded && from.hostname === to.hostname && from.port === '' && to.port === '';
}
