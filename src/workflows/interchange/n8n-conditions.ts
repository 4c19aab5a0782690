import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { type DataPlaces, translateText } from './n8n-expressions.ts';

const list = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((one): one is JsonObject => isJsonObject(one as Json)) : [];

/** One comparison as both forms of n8n's conditions can say it. */
interface Comparison {
  readonly left: Json;
  readonly right: Json;
  readonly operation: string;
  readonly kind: string;
}

/**
 * The condition of an IF or a Switch rule as an expression, in the form of version 1 (`{string: [{value1,
 * operation, value2}]}`) or 2 (`{conditions: [{leftValue, operator, rightValue}], combinator}`).
 */
export function translateConditions(parameters: JsonObject, places: DataPlaces): string {
  const conditions = isJsonObject(parameters.conditions) ? parameters.conditions : {};
  const inside = isJsonObject(conditions) ? conditions : {};
  const any = parameters.combineOperation === 'any' || inside.combinator === 'or';
  const found = Array.isArray(inside.conditions) ? secondForm(inside) : firstForm(inside);
  const texts = found.map((one) => comparison(one, places));
  if (texts.length === 0) return '{{ true }}';
  const joined = texts.map((text) => (texts.length > 1 ? `(${text})` : text)).join(any ? ' || ' : ' && ');
  return `{{ ${joined} }}`;
}

function secondForm(conditions: JsonObject): readonly Comparison[] {
  return list(conditions.conditions).map(({ leftValue, rightValue, operator }) => {
    const { operation, type } = isJsonObject(operator) ? operator : {};
    return {
      left: leftValue ?? null,
      right: rightValue ?? null,
      operation: String(operation ?? 'equals'),
      kind: String(type ?? 'string'),
    };
  });
}

function firstForm(conditions: JsonObject): readonly Comparison[] {
  return Object.entries(conditions).flatMap(([kind, all]) =>
    list(all).map(({ value1, value2, operation }) => ({
      left: value1 ?? null,
      right: value2 ?? null,
      operation: String(operation ?? (kind === 'number' ? 'smaller' : 'equal')),
      kind,
    })),
  );
}

const SIGNS: Readonly<Record<string, string>> = {
  equal: '==',
  equals: '==',
  notEqual: '!=',
  notEquals: '!=',
  larger: '>',
  gt: '>',
  after: '>',
  largerEqual: '>=',
  gte: '>=',
  smaller: '<',
  lt: '<',
  before: '<',
  smallerEqual: '<=',
  lte: '<=',
};

const CALLS: Readonly<Record<string, string>> = {
  contains: 'contains',
  startsWith: 'startsWith',
  endsWith: 'endsWith',
  regex: 'matches',
};

/** One comparison as a bare expression; also for the rules of a Switch of version 1. */
export function comparison({ left, right, operation, kind }: Comparison, places: DataPlaces): string {
  const a = operand(left, kind, places);
  const b = operand(right, kind, places);
  const sign = SIGNS[operation];
  if (sign !== undefined) return `${a} ${sign} ${b}`;
  const call = CALLS[operation];
  if (call !== undefined) return `${a}.${call}(${b})`;
  const opposite = /^not([A-Z]\w+)$/.exec(operation)?.[1];
  const plain = opposite && CALLS[opposite.charAt(0).toLowerCase() + opposite.slice(1)];
  if (plain) return `!${a}.${plain}(${b})`;
  if (operation === 'true') return `${a} == true`;
  if (operation === 'false') return `${a} == false`;
  if (operation === 'exists' || operation === 'isNotEmpty' || operation === 'notEmpty') {
    return `!(default(${a}, "") in ["", null])`;
  }
  if (operation === 'notExists' || operation === 'isEmpty' || operation === 'empty') {
    return `default(${a}, "") in ["", null]`;
  }
  places.lost(operation);
  return 'false';
}

/** A bare expression for one side. */
function operand(value: Json, kind: string, places: DataPlaces): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const text = translateText(value, places);
  const only = /^\{\{\s*(.*?)\s*\}\}$/s.exec(text)?.[1];
  if (only !== undefined && !only.includes('{{')) return /^[\w.[\]"']+$/.test(only) ? only : `(${only})`;
  const isNumber = /^number/.test(kind) && text.trim() !== '' && Number.isFinite(Number(text));
  return isNumber ? String(Number(text)) : JSON.stringify(text);
}
