import type { ClockTrustPort } from '#core/clock-trust.ts';
import type { TriggerStatus, TriggersPort } from '#workflows/trigger-port.ts';
import { ok } from '../answer.ts';
import { type TriggerAnswer, triggerListSchema } from '../contract/trigger.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { rfc3339OrNull } from '../wire/rfc3339.ts';

export function triggerRoutes(
  triggers: TriggersPort,
  clock: Pick<ClockTrustPort, 'standing'>,
): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/triggers',
      tag: 'workflows',
      summary: 'List what starts workflows: when next, when last, and what holds it up',
      answers: { 200: { description: 'Every trigger of the workflows in use', schema: triggerListSchema } },
      handle: () => ok({ clock: clock.standing(), triggers: triggers.list().map(triggerAnswer) }),
    }),
  ];
}

function triggerAnswer(status: TriggerStatus): TriggerAnswer {
  const { workflow, index, definition, enabled, next, lastFired, held, pending } = status;
  return {
    workflow,
    index,
    type: definition.type,
    definition: { ...definition },
    enabled,
    next: rfc3339OrNull(next),
    last_fired: rfc3339OrNull(lastFired),
    held,
    pending_until: rfc3339OrNull(pending),
  };
}
