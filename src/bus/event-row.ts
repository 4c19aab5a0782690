import type { EventRow } from '#store/unit.ts';
import type { EventData, EventType } from './catalogue.ts';

/** An event of the catalogue as a row for a unit of work; `time` in Unix milliseconds. */
export function eventRow<T extends EventType>(
  type: T,
  subject: string,
  actor: string,
  data: EventData<T>,
  time: number,
): EventRow {
  return { type, subject, actor, time, data: JSON.stringify(data) };
}
