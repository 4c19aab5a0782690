import { hostname } from 'node:os';
import { TerminalError } from '#core/errors.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Which Host headers a TCP listener answers to. A page of an attacker whose name was pointed at this machine
 * (DNS rebinding) sends its own name and is refused; so names are allowed one by one, and an address only
 * when it is the one that the connection came to.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;

  /** `bound` is the address that is listened on; `configured` are `api.allowed_hosts`, with or without port. */
  constructor(bound: string, configured: readonly string[]) {
    const own = LOOPBACK.includes(bound) || bound === '::1' ? [] : [hostname(), `${hostname()}.local`];
    const names = [...LOOPBACK, bracketed(bound), ...own, ...configured];
    this.#names = new Set(names.map((name) => nameOf(name.toLowerCase())));
  }

  /** @throws TerminalError `request.host` (421) */
  check(host: string | undefined, localAddress: string | undefined): void {
    const name = nameOf(host ?? '');
    if (this.#names.has(name) || this.#names.has(name.toLowerCase())) return;
    if (localAddress !== undefined && name === bracketed(localAddress.replace(/^::ffff:/, ''))) return;
    throw new TerminalError(
      'invalid',
      'request.host',
      `the name "${name.slice(0, 100)}" is not served here`,
      {
        hint: 'Use an address of this machine, or add the name to api.allowed_hosts.',
      },
    );
  }
}

/** `[::1]:8000` → `[::1]`, `pi.local:80` → `pi.local`. */
function nameOf(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? host : host.slice(0, colon);
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
