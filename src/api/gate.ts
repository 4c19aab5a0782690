import type { IncomingMessage } from 'node:http';
import type { Actor } from '#core/actor.ts';
import { TerminalError } from '#core/errors.ts';
import type { TokensPort } from '#identity/port.ts';
import type { AllowedHosts } from './allowed-hosts.ts';
import { API_BASE } from './contract/api-base.ts';

const LOCAL: Actor = Object.freeze({ kind: 'socket', id: 'local' });
const OPEN = `${API_BASE}/health`;

/** Says who asks, before anything is routed. undefined: nobody in particular, at an open door. */
export type Gate = (incoming: IncomingMessage) => Actor | undefined;

/** The unix socket's file mode is its lock. */
export function socketGate(): Gate {
  return () => LOCAL;
}

/**
 * TCP: only names of this machine, and a bearer token for everything but the health. The health is known by
 * its exact spelling, so that no other spelling of a path gets past.
 * @throws TerminalError `request.host`, `auth.required`, `auth.token_wrong`
 */
export function tcpGate(hosts: AllowedHosts, tokens: Pick<TokensPort, 'verify'>): Gate {
  return (incoming) => {
    hosts.check(incoming.headers.host, incoming.socket.localAddress);
    if (incoming.url === OPEN || incoming.url?.startsWith(`${OPEN}?`)) return undefined;
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

function required(): TerminalError {
  return new TerminalError('unauthenticated', 'auth.required', 'a bearer token is needed here', {
    hint: 'Make one with chainbot token create --name NAME and send it as Authorization: Bearer TOKEN.',
  });
}
