import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';

const number = (value: Json | undefined, otherwise: number): number =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? Number(value) : otherwise;
const list = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((one): one is JsonObject => isJsonObject(one as Json)) : [];

/** The cron lines of a Schedule Trigger or of the older Cron node; undefined for one that has no equal. */
export function schedulesOf(parameters: JsonObject): readonly (string | undefined)[] {
  const { rule, triggerTimes } = parameters;
  if (isJsonObject(rule)) return list(rule.interval).map(intervalCron);
  if (isJsonObject(triggerTimes)) return list(triggerTimes.item).map(timeCron);
  return [undefined];
}

function intervalCron(interval: JsonObject): string | undefined {
  const minute = number(interval.triggerAtMinute, 0);
  const hour = number(interval.triggerAtHour, 0);
  const every = (count: number): string => (count === 1 ? '*' : `*/${count}`);
  switch (interval.field ?? 'days') {
    case 'seconds':
      return `${every(number(interval.secondsInterval, 30))} * * * * *`;
    case 'minutes':
      return `${every(number(interval.minutesInterval, 5))} * * * *`;
    case 'hours':
      return `${minute} ${every(number(interval.hoursInterval, 1))} * * *`;
    case 'days':
      return `${minute} ${hour} ${every(number(interval.daysInterval, 1))} * *`;
    case 'weeks': {
      const days = Array.isArray(interval.triggerAtDay) ? interval.triggerAtDay.join(',') : '0';
      // Every second week has no cron line.
      return number(interval.weeksInterval, 1) === 1 ? `${minute} ${hour} * * ${days || '0'}` : undefined;
    }
    case 'months':
      return `${minute} ${hour} ${number(interval.triggerAtDayOfMonth, 1)} ${every(number(interval.monthsInterval, 1))} *`;
    case 'cronExpression':
      return typeof interval.expression === 'string' ? interval.expression : undefined;
    default:
      return undefined;
  }
}

function timeCron(time: JsonObject): string | undefined {
  const minute = number(time.minute, 0);
  const hour = number(time.hour, 14);
  switch (time.mode ?? 'everyDay') {
    case 'everyMinute':
      return '* * * * *';
    case 'everyHour':
      return `${minute} * * * *`;
    case 'everyDay':
      return `${minute} ${hour} * * *`;
    case 'everyWeek':
      return `${minute} ${hour} * * ${number(time.weekday, 1)}`;
    case 'everyMonth':
      return `${minute} ${hour} ${number(time.dayOfMonth, 1)} * *`;
    case 'everyX':
      return time.unit === 'hours'
        ? `0 */${number(time.value, 2)} * * *`
        : `*/${number(time.value, 2)} * * * *`;
    case 'custom':
      return typeof time.cronExpression === 'string' ? time.cronExpression : undefined;
    default:
      return undefined;
  }
}
