import type { IncomingMessage } from 'node:http';
import type { Actor } from '#core/actor.ts';
import { TerminalError } from '#core/errors.ts';
import type { TokensPort } from '#identity/port.ts';
import type { AllowedHosts } from './allowed-hosts.ts';
import { API_BASE } from './contract/api-base.ts';

const LOCAL: Actor = Object.freeze({ kind: 'socket', id: 'local' });
const OPEN = `${API_BASE}/health`;
/** One door for each hook; a trigger behind it asks for a proof of its own. */
const HOOK = new RegExp(`^${API_BASE}/hooks/[a-z0-9][a-z0-9_-]{0,62}(\\?|$)`);

/** Says who asks, before anything is routed. undefined: nobody in particular, at an open door. */
export type Gate = (incoming: IncomingMessage) => Actor | undefined;

/** The unix socket's file mode is its lock. */
export function socketGate(): Gate {
  return () => LOCAL;
}

/**
 * TCP: only names of this machine, and a bearer token for everything but the health and the hooks. Those are
 * known by their exact spelling, so that no other spelling of a path gets past.
 * @throws TerminalError `request.host`, `auth.required`, `auth.token_wrong`
 */
export function tcpGate(hosts: AllowedHosts, tokens: Pick<TokensPort, 'verify'>): Gate {
  return (incoming) => {
    hosts.check(incoming.headers.host, incoming.socket.localAddress);
    if (isOpen(incoming.url ?? '')) return undefined;
    const { authorization } = incoming.headers;
    if (authorization === undefined) throw required();
    const match = /^bearer +([\w.~+/=-]{1,512})$/i.exec(authorization);
    const actor = match ? tokens.verify(match[1] as string) : undefined;
    if (actor) return actor;
    throw new TerminalError('unauthenticated', 'auth.token_wrong', 'this token opens nothing here', {
      hint: 'Was it revoked? Make one with: chainbot token create --name NAME.',
    });
  };
}

function isOpen(url: string): boolean {
  return url === OPEN || url.startsWith(`${OPEN}?`) || HOOK.test(url);
}

function required(): TerminalError {
  return new TerminalError('unauthenticated', 'auth.required', 'a bearer token is needed here', {
    hint: 'Make one with chainbot token create --name NAME and send it as Authorization: Bearer TOKEN.',
  });
}
