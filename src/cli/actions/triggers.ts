import type { ClockAnswer } from '#api/contract/module.ts';
import type { TriggerAnswer } from '#api/contract/trigger.ts';
import type { JsonObject } from '#core/json.ts';
import type { Session } from '../session.ts';
import type { Screen } from '../view/screen.ts';
import { printable } from '../view/text.ts';
import { ago, localTime } from '../view/values.ts';
import { triggerText } from './workflows.ts';

export async function list({ api, screen, json, io }: Session, workflow?: string): Promise<void> {
  const answer = await (await api()).triggers();
  const triggers = answer.triggers.filter((one) => workflow === undefined || one.workflow === workflow);
  if (json) return screen.json({ ...answer, triggers });
  const now = io.clock.now();
  screen.table(
    [
      { title: 'WORKFLOW', min: 16 },
      { title: 'STARTED BY', min: 16 },
      { title: 'NEXT', min: 10 },
      { title: 'LAST FIRED', min: 10 },
      { title: 'STATE', min: 8 },
    ],
    triggers.map((trigger) => [
      printable(trigger.workflow),
      triggerText(trigger.definition as JsonObject),
      trigger.next === null ? '-' : localTime(trigger.next),
      trigger.type === 'manual' ? '-' : ago(trigger.last_fired, now),
      stateText(trigger, screen),
    ]),
    'Nothing starts by itself yet: give a workflow triggers.',
  );
  const note = clockNote(answer.clock);
  if (note !== undefined) screen.line(note);
}

function stateText({ enabled, held, pending_until }: TriggerAnswer, screen: Screen): string {
  if (!enabled) return screen.paint('dim', 'off');
  if (held !== null) return screen.paint('yellow', `held: ${printable(held)}`);
  return pending_until === null ? 'on' : `waits until ${localTime(pending_until)}`;
}

/** What must be known of the clock before one reads times of it. */
export function clockNote({ state }: ClockAnswer): string | undefined {
  if (state === 'held') return 'Nobody knows the time yet: schedules wait (time.hold).';
  return state === 'estimated' ? 'The clock is an estimate: nobody has set it.' : undefined;
}
