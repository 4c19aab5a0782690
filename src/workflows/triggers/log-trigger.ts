import { eventMatcher } from '#bus/event-filter.ts';
import type { EventLogPort, LogEvent } from '#bus/port.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { eventView } from '../engine/event-waits.ts';
import type { DeviceTrigger, RunEndTrigger } from '../trigger-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import { type ActiveTrigger, activeTriggers } from './trigger-index.ts';

/** A trigger that an event of the log fires: `event` itself, the end of a `run`, a `device` that changed. */
export interface LogTrigger {
  readonly active: ActiveTrigger;
  matches(event: LogEvent): boolean;
  /** What the run sees as `trigger`. */
  view(event: LogEvent): JsonObject;
}

const ENDS = ['completed', 'failed', 'cancelled'] as const;
const CHANGED = 'chainbot.device.changed';

/** Those of all workflows in use. */
export function logTriggers(catalog: WorkflowCatalog, log: Pick<EventLogPort, 'before'>): LogTrigger[] {
  return [
    ...activeTriggers(catalog, 'event').map((active) => ({
      active,
      matches: eventMatcher({ types: [active.definition.event] }),
      view: (event: LogEvent): JsonObject => ({ type: 'event', event: eventView(event) }),
    })),
    ...activeTriggers(catalog, 'run').map((active) => ({
      active,
      matches: runEndMatcher(active.definition),
      view: runView,
    })),
    ...activeTriggers(catalog, 'device')
      .filter(({ definition }) => isEdge(definition))
      .map((active) => ({ active, matches: edgeMatcher(active.definition, log), view: deviceView })),
  ];
}

/** Is it fired by a change alone, rather than by how things stand for a while? */
export function isEdge({ above, below, stale, for: holds }: DeviceTrigger): boolean {
  return above === undefined && below === undefined && !stale && holds === undefined;
}

/** Is a value one of those that `to` or `from` names? */
export function isOneOf(value: Json | undefined, wanted: NonNullable<DeviceTrigger['to']>): boolean {
  return Array.isArray(wanted) ? wanted.includes(value as never) : value === wanted;
}

function runEndMatcher({ workflow, status = ENDS }: RunEndTrigger): (event: LogEvent) => boolean {
  const types: ReadonlySet<string> = new Set(status.map((one) => `chainbot.workflow.${one}`));
  return (event) => types.has(event.type) && event.data.workflow === workflow;
}

function runView(event: LogEvent): JsonObject {
  const { run, ...data } = event.data;
  const status = event.type.slice(event.type.lastIndexOf('.') + 1);
  return { type: 'run', run: { id: run ?? null, status, ...data } };
}

function edgeMatcher(
  { device, to, from }: DeviceTrigger,
  log: Pick<EventLogPort, 'before'>,
): (event: LogEvent) => boolean {
  return (event) => {
    if (event.type !== CHANGED || event.data.device !== device) return false;
    const value = event.data.value;
    if (to !== undefined && !isOneOf(value, to)) return false;
    const before = event.data.previous ?? lastBefore(event, log);
    // The first that was ever heard of it is no change.
    if (before === null || before === value) return false;
    if (from !== undefined) return isOneOf(before, from);
    return to === undefined || !isOneOf(before, to);
  };
}

/** After a start the first report has no value before it; the log may have one from before the start. */
function lastBefore(event: LogEvent, log: Pick<EventLogPort, 'before'>): Json {
  try {
    const [last] = log.before(event.seq, 1, { types: [CHANGED], subject: event.subject });
    return last?.data.value ?? null;
  } catch {
    return null; // the log can't be read now: better no edge than one that never was
  }
}

function deviceView(event: LogEvent): JsonObject {
  const { device, value, previous, unit } = event.data;
  return {
    type: 'device',
    device: device ?? null,
    value: value ?? null,
    previous: previous ?? null,
    ...(unit === undefined ? {} : { unit }),
    at: new Date(event.time).toISOString(),
  };
}
