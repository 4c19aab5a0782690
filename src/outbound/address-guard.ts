import { networkInterfaces } from 'node:os';
import { TerminalError } from '#core/errors.ts';
import { addressClass, isLoopback, sameAddress } from './address-class.ts';

/** Where this daemon listens. */
export interface ListeningAddress {
  readonly address: string;
  readonly port: number;
}

/** Where a request wants to go, before and after its name was resolved. */
export interface Destination {
  /** As in the URL: lower case, no brackets. */
  readonly host: string;
  readonly port: number;
  /** Scheme and host stand literally in a stored definition. */
  readonly isLiteral: boolean;
}

export interface AddressGuardOptions {
  /** Hosts that data may name although they are not public: `nas.lan`, `192.168.1.20`, `*.home.arpa`. */
  readonly allowHosts: readonly string[];
  /** Asked at each request: ports are known only once the daemon listens. */
  readonly listening: () => readonly ListeningAddress[];
}

/**
 * Decides which addresses a request may reach. It judges what a name really resolved to, and the connection
 * is made to exactly that address, so that neither odd spellings nor a name that changes its mind get past.
 *
 * 1. Nobody reaches link-local, metadata, unspecified, multicast or broadcast addresses, nor this daemon.
 * 2. A host that the owner wrote, or allowed in the configuration, may be on the LAN or this machine.
 * 3. A host that came from data must be public.
 */
export class AddressGuard {
  readonly #exact: ReadonlySet<string>;
  readonly #suffixes: readonly string[];
  readonly #listening: () => readonly ListeningAddress[];

  constructor(options: AddressGuardOptions) {
    const hosts = options.allowHosts.map(plainHost);
    this.#exact = new Set(hosts.filter((host) => !host.startsWith('*.')));
    this.#suffixes = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
    this.#listening = options.listening;
  }

  /** May it be on the LAN? */
  isTrusted(to: Destination): boolean {
    const host = plainHost(to.host);
    return to.isLiteral || this.#exact.has(host) || this.#suffixes.some((suffix) => host.endsWith(suffix));
  }

  /** The addresses that may be used, in their order. @throws TerminalError `http.address_refused` when none may */
  allowed<A extends { readonly address: string }>(to: Destination, addresses: readonly A[]): readonly A[] {
    const refusals = new Set<string>();
    const allowed = addresses.filter(({ address }) => {
      const reason = this.#refusal(to, address);
      if (reason) refusals.add(reason);
      return reason === undefined;
    });
    if (allowed.length > 0) return allowed;
    const why = [...refusals].slice(0, 3).join(', ') || 'has no address';
    throw new TerminalError('forbidden', 'http.address_refused', `${to.host} ${why}`, {
      hint: this.isTrusted(to)
        ? 'This address is never reached by a workflow.'
        : 'Write scheme and host literally in the workflow, or add the host to outbound.allow_hosts.',
    });
  }

  #refusal(to: Destination, address: string): string | undefined {
    const kind = addressClass(address);
    if (kind === 'never')
      return `leads to ${address}, which is link-local, multicast or not an address of a host`;
    if (this.#isThisDaemon(address, to.port))
      return `leads to this daemon itself (${address} port ${to.port})`;
    if (kind === 'local' && !this.isTrusted(to)) return `leads to ${address}, which is not public`;
    return undefined;
  }

  #isThisDaemon(address: string, port: number): boolean {
    if (!this.#listening().some((own) => own.port === port)) return false;
    if (isLoopback(address)) return true;
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    return own.some((entry) => sameAddress(entry.address, address));
  }
}

const plainHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
