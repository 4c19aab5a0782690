/**
 * Who does something. Every verb takes an actor and every event records it as `kind:id`, so that the log
 * says who opened the valve.
 */
export interface Actor {
  readonly kind:
    | 'person'
    | 'token'
    | 'socket'
    | 'agent'
    | 'device'
    | 'schedule'
    | 'trigger'
    | 'run'
    | 'mqtt'
    | 'system';
  readonly id: string;
}

export const SYSTEM: Actor = Object.freeze({ kind: 'system', id: 'chainbot' });

/** `token:0192…`, the form that events and rows carry. */
export function actorText(actor: Actor): string {
  return `${actor.kind}:${actor.id}`;
}
