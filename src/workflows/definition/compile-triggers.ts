import { Cron } from 'croner';
import { isJsonObject, type Json } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import type {
  DeviceTrigger,
  FileTrigger,
  ScheduleTrigger,
  TriggerDefinition,
  WebhookTrigger,
} from '../trigger-port.ts';
import { checkEvent } from './compile-wait.ts';
import type { CompiledTrigger } from './compiled.ts';
import type { Faults, Path } from './faults.ts';
import { mqttFilterFault } from './mqtt-filter.ts';
import { NAME, readShape } from './shape.ts';
import type { Sight, SightChecker } from './sight.ts';
import { TRIGGER_TYPES, triggerShape } from './trigger-shape.ts';

/** A trigger decides before there is a run: it sees what happened, and nothing else. */
const SIGHT: Sight = { steps: new Set(), roots: new Set(['trigger']) };
/** An interval shorter than this is a loop that burns the card. */
const SHORTEST_MS = 1000;
/** How long a debounce goes on at most, in its own length, when the definition does not say. */
const USUAL_MAX = 10;

/** What checking one trigger needs. */
interface Place {
  readonly checker: SightChecker;
  readonly faults: Faults;
  readonly path: Path;
  /** The workflow's own name. */
  readonly workflow: string;
}

/** Checks and compiles the triggers of a workflow in their order. */
export function compileTriggers(
  raw: readonly unknown[],
  workflow: string,
  checker: SightChecker,
  faults: Faults,
): readonly CompiledTrigger[] {
  return raw.flatMap((value, index) => {
    const place: Place = { checker, faults, path: ['triggers', index], workflow };
    if (isUnknownType(value, place)) return [];
    const definition = readShape(triggerShape, value, place.path, faults) as TriggerDefinition | undefined;
    if (definition === undefined) return [];
    checkTrigger(definition, place);
    return compileTrigger(definition, index, place);
  });
}

function isUnknownType(value: unknown, { faults, path }: Place): boolean {
  if (!isJsonObject(value) || typeof value.type !== 'string' || TRIGGER_TYPES.includes(value.type))
    return false;
  const hint = didYouMean(value.type, TRIGGER_TYPES) ?? `Triggers: ${TRIGGER_TYPES.join(', ')}.`;
  faults.add([...path, 'type'], `there is no trigger "${value.type.slice(0, 100)}"`, hint);
  return true;
}

function compileTrigger(definition: TriggerDefinition, index: number, place: Place): CompiledTrigger {
  const bare = { index, definition, when: undefined, input: undefined, debounce: undefined, throttleMs: 0 };
  if (definition.type === 'manual') return bare;
  const { checker, faults, path } = place;
  const { when, debounce, throttle } = definition;
  const input: Json | undefined = definition.input;
  if (debounce !== undefined && throttle !== undefined) {
    faults.addAtKey([...path, 'throttle'], 'a trigger has a debounce or a throttle, not both');
  }
  return {
    ...bare,
    when: when === undefined ? undefined : checker.expression(when, [...path, 'when'], SIGHT),
    input: input === undefined ? undefined : checker.template(input, [...path, 'input'], SIGHT),
    debounce: debounce === undefined ? undefined : compileDebounce(debounce, place),
    throttleMs: throttle === undefined ? 0 : duration(throttle, 'throttle', place),
  };
}

function compileDebounce(
  debounce: NonNullable<ScheduleTrigger['debounce']>,
  place: Place,
): NonNullable<CompiledTrigger['debounce']> {
  const inner: Place = { ...place, path: [...place.path, 'debounce'] };
  if (typeof debounce !== 'object') {
    const forMs = duration(debounce, 'debounce', place);
    return { forMs, maxMs: forMs * USUAL_MAX };
  }
  const forMs = duration(debounce.for, 'for', inner);
  const maxMs = debounce.max === undefined ? forMs * USUAL_MAX : duration(debounce.max, 'max', inner);
  if (maxMs < forMs) place.faults.add([...inner.path, 'max'], 'must not be shorter than `for`');
  return { forMs, maxMs };
}

/** Milliseconds, more than none. */
function duration(value: string | number, field: string, { checker, faults, path }: Place): number {
  const before = faults.size;
  const ms = checker.literalDuration(value, [...path, field]);
  if (ms <= 0 && faults.size === before) faults.add([...path, field], 'must be longer than nothing');
  return ms;
}

function checkTrigger(trigger: TriggerDefinition, place: Place): void {
  const { faults, path, workflow } = place;
  switch (trigger.type) {
    case 'schedule':
      checkSchedule(trigger, place);
      break;
    case 'event':
      checkEvent(trigger.event, [...path, 'event'], faults);
      break;
    case 'mqtt': {
      const fault = mqttFilterFault(trigger.topic);
      if (fault !== undefined) faults.add([...path, 'topic'], fault);
      break;
    }
    case 'webhook':
      checkWebhook(trigger, place);
      break;
    case 'device':
      checkDevice(trigger, place);
      break;
    case 'file':
      checkFile(trigger, place);
      break;
    case 'run':
      if (!NAME.test(trigger.workflow)) faults.add([...path, 'workflow'], 'is no name of a workflow');
      else if (trigger.workflow === workflow)
        faults.add([...path, 'workflow'], 'a workflow that its own end starts would have no end');
      break;
    case 'manual':
    case 'startup':
      break;
  }
}

function checkSchedule(trigger: ScheduleTrigger, place: Place): void {
  const { faults, path } = place;
  const { cron, every, timezone, missed, limit } = trigger;
  if ((cron === undefined) === (every === undefined)) {
    const found = cron === undefined ? 'none' : 'both';
    faults.add(path, `a schedule has cron or every; here is ${found}`, 'cron: "0 6 * * *", or every: 5m.');
  }
  if (limit !== undefined && missed !== 'all')
    faults.addAtKey([...path, 'limit'], '`limit` goes with missed: all');
  if (every !== undefined) {
    const ms = duration(every, 'every', place);
    if (ms > 0 && ms < SHORTEST_MS) faults.add([...path, 'every'], 'must be at least 1s');
    if (timezone !== undefined)
      faults.addAtKey([...path, 'timezone'], 'an interval is the same in every time zone');
  }
  if (cron !== undefined) checkCron(cron, timezone, path, faults);
}

function checkCron(cron: string, timezone: string | undefined, path: Path, faults: Faults): void {
  if (timezone !== undefined && !isTimeZone(timezone)) {
    faults.add([...path, 'timezone'], `"${timezone}" is no time zone`, 'Write it as Europe/Berlin.');
    return;
  }
  const hint =
    'Five fields: minute hour day month weekday, such as "*/5 * * * *"; six start with the second.';
  try {
    const schedule = new Cron(cron, { paused: true, mode: '5-or-6-parts', ...(timezone && { timezone }) });
    if (schedule.nextRun() === null) faults.add([...path, 'cron'], `"${cron}" never comes`, hint);
    schedule.stop();
  } catch (error) {
    const reason = (error as Error).message.replace(/^CronPattern: /, '');
    faults.add([...path, 'cron'], `"${cron.slice(0, 100)}" is no schedule: ${reason}`, hint);
  }
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** Headers that carry what proves the sender never get into a run. */
const PROOFS =
  /^(authorization|proxy-authorization|cookie|x-hook-token|webhook-signature|x-hub-signature.*)$/i;

function checkWebhook(trigger: WebhookTrigger, { faults, path }: Place): void {
  const proofs = (['secret', 'token', 'token_sha256'] as const).filter((key) => trigger[key] !== undefined);
  if (proofs.length !== 1) {
    const found = proofs.length === 0 ? 'none' : proofs.join(' and ');
    const hint = 'secret: NAME for signed bodies, token: NAME or token_sha256 for a token in a header.';
    faults.add(path, `a webhook has one of secret, token and token_sha256; here is ${found}`, hint);
  }
  if (trigger.signature !== undefined && trigger.secret === undefined)
    faults.addAtKey([...path, 'signature'], '`signature` goes with secret');
  if (trigger.name !== undefined && !NAME.test(trigger.name))
    faults.add([...path, 'name'], 'must be 1 to 63 small letters, digits, - and _');
  for (const [index, header] of (trigger.headers ?? []).entries()) {
    if (PROOFS.test(header))
      faults.add([...path, 'headers', index], 'this header is a secret and no run sees it');
  }
}

function checkDevice(trigger: DeviceTrigger, place: Place): void {
  const { faults, path } = place;
  const asked = (['to', 'above', 'below', 'stale'] as const).filter((key) => trigger[key] !== undefined);
  if (asked.length > 1) {
    faults.add(
      path,
      `a device trigger has one of to, above, below and stale; here is ${asked.join(' and ')}`,
    );
  }
  const isLevel = trigger.above !== undefined || trigger.below !== undefined;
  if (trigger.hysteresis !== undefined && !isLevel)
    faults.addAtKey([...path, 'hysteresis'], '`hysteresis` goes with above or below');
  if (trigger.from !== undefined && (isLevel || trigger.stale))
    faults.addAtKey([...path, 'from'], '`from` goes with `to`');
  if (trigger.from !== undefined && trigger.for !== undefined)
    faults.addAtKey([...path, 'from'], '`from` looks at a change, and `for` at how it stays');
  if (trigger.for === undefined) return;
  duration(trigger.for, 'for', place);
  if (asked.length === 0) faults.addAtKey([...path, 'for'], '`for` goes with to, above, below or stale');
}

function checkFile(trigger: FileTrigger, place: Place): void {
  const { folder, pattern, settle } = trigger;
  const parts = folder.split('/');
  if (folder.startsWith('/') || folder.includes('\0') || parts.includes('..') || parts.includes('')) {
    place.faults.add(
      [...place.path, 'folder'],
      'must be a folder below files_dir, such as inbox or inbox/scans',
    );
  }
  if (pattern?.includes('/'))
    place.faults.add([...place.path, 'pattern'], 'is for the name of the file, without a /');
  if (settle !== undefined) duration(settle, 'settle', place);
}
