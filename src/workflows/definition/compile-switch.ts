import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '#core/json.ts';
import { hasExpression } from '../expressions/scan.ts';
import type { SwitchStep } from './compiled.ts';
import { switchShape } from './control-shape.ts';
import type { Path } from './faults.ts';
import { readShape } from './shape.ts';
import { withRoots } from './sight.ts';
import { type CompiledKind, type Place, UNHANDLED } from './step-compiler.ts';

type Case = SwitchStep['cases'][number];
type Scalar = string | number | boolean | null;
type When = Scalar | readonly Scalar[];

/** `switch`: values to compare with, or questions that see `value`; the first case that is so is taken. */
export function compileSwitch(place: Place, own: JsonObject): CompiledKind | undefined {
  const { compiler, common, path, sight } = place;
  const fields = readShape(switchShape, own, path, compiler.faults);
  if (fields === undefined) return undefined;
  const inner: string[] = [];
  const compiledList = (steps: readonly unknown[], at: Path) => {
    const list = compiler.list(steps, at, sight);
    inner.push(...list.seen);
    return list;
  };
  const cases: Case[] = [];
  const stored: JsonObject[] = [];
  const before: When[] = [];
  for (const [i, one] of fields.cases.entries()) {
    const at = [...path, 'cases', i];
    checkCase(place, one.when, before, [...at, 'when'], fields.value === undefined);
    const list = compiledList(one.steps, [...at, 'steps']);
    cases.push({ when: compileWhen(place, one.when, [...at, 'when']), steps: list.steps });
    stored.push({ when: one.when, steps: list.normalized as unknown as Json });
    before.push(one.when);
  }
  const other = fields.default && compiledList(fields.default, [...path, 'default']);
  const value =
    fields.value === undefined
      ? undefined
      : compiler.checker.template(fields.value, [...path, 'value'], sight);
  const step: SwitchStep = {
    ...{ ...common, ...UNHANDLED, kind: 'switch', value, cases },
    default: other?.steps,
  };
  const rest = other && { default: other.normalized };
  const kept = { ...(fields.value !== undefined && { value: fields.value }), cases: stored, ...rest };
  return { step, fields: kept as unknown as JsonObject, inner };
}

function isQuestion(when: When): when is string {
  return typeof when === 'string' && hasExpression(when);
}

function isList(when: When): when is Exclude<When, Scalar> {
  return Array.isArray(when);
}

function compileWhen({ compiler, sight }: Place, when: When, path: Path): Case['when'] {
  if (isQuestion(when)) return { asks: compiler.checker.expression(when, path, withRoots(sight, 'value')) };
  return { equals: isList(when) ? when : [when] };
}

function checkCase(
  { compiler: { faults } }: Place,
  when: When,
  before: readonly When[],
  path: Path,
  valueless: boolean,
): void {
  if (isList(when) && when.some((one) => isQuestion(one))) {
    faults.add(path, 'a list has values only', 'Write one condition: "{{ value == 1 || value > 5 }}".');
  }
  if (isQuestion(when)) return;
  if (valueless) {
    faults.add(
      path,
      'there is no value to compare this with',
      'Add value: to the switch, or write "{{ … }}".',
    );
  } else if (before.some((one) => isDeepStrictEqual(one, when))) {
    faults.add(path, `this never runs: a case before it has the same when`, 'Take one of them away.');
  }
}
