import type { EventFilter, LogEvent } from './port.ts';

/** A function that says whether an event passes; made once per reader. */
export function eventMatcher(filter: EventFilter | undefined): (event: LogEvent) => boolean {
  const subject = filter?.subject;
  const types = filter?.types ?? [];
  if (types.length === 0 && subject === undefined) return () => true;
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  const typeFits = (type: string): boolean =>
    types.length === 0 || exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix));
  return (event) => (subject === undefined || event.subject === subject) && typeFits(event.type);
}
