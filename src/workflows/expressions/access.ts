import { EvalFailure, noSuchKey } from './failure.ts';
import { REVEAL, type Scope, type StepLookup } from './scope.ts';
import { isList, isMap, typeOf, type Value } from './value.ts';

/** Reading names, steps, keys and elements. Only own properties count, so `constructor` is a key like any other. */

/** A secret's text, where the scope is that of a step that runs. */
export function revealed(scope: Scope, name: string): Value {
  const reveal = scope[REVEAL];
  if (reveal !== undefined) return reveal(name);
  throw new EvalFailure('secret() is known only to the fields of a step that takes secrets, while it runs');
}

/** A name of the scope, whose prototype chain may carry the outer names. */
export function rootValue(scope: Scope, name: string): Value {
  const value = ownAlongChain(scope, name);
  if (value !== undefined && typeof value !== 'function') return value as Value;
  throw new EvalFailure(`there is no "${name}" here`, undefined, true);
}

/** `steps.<id>`. */
export function stepValue(scope: Scope, id: string): Value {
  const steps = scope.steps;
  const found = steps === undefined ? undefined : isLookup(steps) ? steps.get(id) : ownAlongChain(steps, id);
  if (typeof found === 'object' && found !== null) return found as unknown as Value;
  throw new EvalFailure(
    `the step "${id}" has not run`,
    `Write default(steps.${id}.output, value), or test has(steps.${id}).`,
    true,
  );
}

function isLookup(steps: NonNullable<Scope['steps']>): steps is StepLookup {
  return typeof steps.get === 'function';
}

function ownAlongChain(start: object, name: string): unknown {
  let holder: object | null = start;
  while (holder !== null && holder !== Object.prototype) {
    if (Object.hasOwn(holder, name)) return (holder as Record<string, unknown>)[name];
    holder = Object.getPrototypeOf(holder);
  }
  return undefined;
}

/** `value.key`; `path` names the value in messages. */
export function member(value: Value, key: string, path: string): Value {
  if (!isMap(value)) throw notAMap(value, key, path);
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  if (found === undefined) throw noSuchKey(key, value);
  return found;
}

function notAMap(value: Value, key: string, path: string): EvalFailure {
  const message = `${path} is ${withArticle(typeOf(value))}, it has no "${key}"`;
  if (value === null) return new EvalFailure(message, 'Write default(…, value) around it.', true);
  if (isList(value)) return new EvalFailure(message, `Pick one, [0], or map them: map(x, x.${key}).`);
  const text = 'If it is JSON text, read it first: json.decode(…).';
  return new EvalFailure(message, typeof value === 'string' ? text : undefined);
}

/** `value[index]`. */
export function element(value: Value, index: Value, path: string): Value {
  if (isList(value)) return listElement(value, index);
  if (typeof index !== 'string') {
    if (value === null) throw notAMap(value, String(index), path);
    throw new EvalFailure(
      `${path} is ${withArticle(typeOf(value))}, it cannot be indexed with ${withArticle(typeOf(index))}`,
      isMap(value) ? 'Keys are strings: x["1"], x[string(n)].' : undefined,
    );
  }
  return member(value, index, path);
}

function listElement(list: readonly Value[], index: Value): Value {
  if (typeof index !== 'number' || !Number.isInteger(index)) {
    throw new EvalFailure('a list is indexed with a whole number, from 0');
  }
  const found = index < 0 ? undefined : list[index];
  if (found !== undefined) return found;
  throw new EvalFailure(
    `there is no element ${index}; the list has ${list.length}`,
    index < 0 ? 'The last one is last(list).' : 'Write default(list[n], value) if it may be shorter.',
    true,
  );
}

function withArticle(type: string): string {
  return type === 'null' ? type : `a ${type}`;
}
