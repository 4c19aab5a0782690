import { ANY, BOOLEAN, listOf, NUMBER, STRING, type ValueType } from './value-type.ts';

const named = (type: ValueType, names: string): (readonly [string, ValueType])[] =>
  names.split(' ').map((name) => [name, type] as const);

/** What the functions of expressions give, where that does not hang on what they are given. */
export const FUNCTION_TYPES: ReadonlyMap<string, ValueType> = new Map([
  ...named(NUMBER, 'size len sum avg floor ceil round abs double int'),
  ...named(NUMBER, 'getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear'),
  ...named(NUMBER, 'getHours getMinutes getSeconds getMilliseconds'),
  ...named(STRING, 'string type lower upper trim join replace substring json.encode'),
  ...named(BOOLEAN, 'bool matches contains startsWith endsWith'),
  ...named(listOf(STRING), 'split keys'),
  ...named(listOf(ANY), 'values sort reverse'),
]);
