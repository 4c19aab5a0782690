import { Cron } from 'croner';
import type { Json } from '#core/json.ts';
import type { TriggerDefinition } from '../port.ts';
import { checkEvent } from './compile-wait.ts';
import type { CompiledTrigger } from './compiled.ts';
import type { Faults, Path } from './faults.ts';
import { mqttFilterFault } from './mqtt-filter.ts';
import { readShape, triggerShape } from './shape.ts';
import type { Sight, SightChecker } from './sight.ts';

/** A trigger decides before there is a run: it sees what happened, and nothing else. */
const SIGHT: Sight = { steps: new Set(), roots: new Set(['trigger']) };

/** Checks and compiles the triggers in their order. */
export function compileTriggers(
  raw: readonly unknown[],
  checker: SightChecker,
  faults: Faults,
): readonly CompiledTrigger[] {
  return raw.flatMap((value, index) => {
    const path: Path = ['triggers', index];
    const definition = readShape(triggerShape, value, path, faults) as TriggerDefinition | undefined;
    if (definition === undefined) return [];
    checkTrigger(definition, path, faults);
    const when = 'when' in definition ? definition.when : undefined;
    const input: Json | undefined = 'input' in definition ? definition.input : undefined;
    return {
      index,
      definition,
      when: when === undefined ? undefined : checker.expression(when, [...path, 'when'], SIGHT),
      input: input === undefined ? undefined : checker.template(input, [...path, 'input'], SIGHT),
    };
  });
}

function checkTrigger(trigger: TriggerDefinition, path: Path, faults: Faults): void {
  if (trigger.type === 'schedule') checkSchedule(trigger.cron, trigger.timezone, path, faults);
  if (trigger.type === 'event') checkEvent(trigger.event, [...path, 'event'], faults);
  if (trigger.type === 'mqtt') {
    const fault = mqttFilterFault(trigger.topic);
    if (fault !== undefined) faults.add([...path, 'topic'], fault);
  }
}

function checkSchedule(cron: string, timezone: string | undefined, path: Path, faults: Faults): void {
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
