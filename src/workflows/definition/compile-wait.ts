import type { z } from 'zod';
import type { JsonObject } from '#core/json.ts';
import { readInstant } from '../expressions/instant.ts';
import { hasExpression } from '../expressions/scan.ts';
import type { WaitStep } from './compiled.ts';
import { waitShape } from './control-shape.ts';
import type { Faults, Path } from './faults.ts';
import { readShape } from './shape.ts';
import { withRoots } from './sight.ts';
import { type CompiledKind, type Place, UNHANDLED } from './step-compiler.ts';

/** Exact event types, or a prefix that ends in `*`. */
const EVENT = /^(?=.{1,200}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.?\*)?$/;

/** Adds a fault unless it names event types. */
export function checkEvent(event: string, path: Path, faults: Faults): void {
  if (EVENT.test(event) || event === '*') return;
  faults.add(
    path,
    `"${event}" is no event type`,
    'Write chainbot.device.changed, or chainbot.device.* for all.',
  );
}

export function compileWait(place: Place, own: JsonObject): CompiledKind | undefined {
  const { compiler, common, path, sight } = place;
  const fields = readShape(waitShape, own, path, compiler.faults);
  if (fields === undefined) return undefined;
  const given = (['for', 'until', 'signal', 'event'] as const).filter((name) => fields[name] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    compiler.faults.add(path, `a wait has one of for, until, signal and event; here is ${found}`);
    return undefined;
  }
  if (fields.where !== undefined && fields.event === undefined) {
    compiler.faults.addAtKey([...path, 'where'], '`where` looks at an event, and this wait is for none');
  }
  if (fields.default !== undefined && common.timeout === undefined) {
    compiler.faults.addAtKey(
      [...path, 'default'],
      '`default` is for a wait with a timeout',
      'Add timeout: 10m.',
    );
  }
  const fallback =
    fields.default === undefined
      ? undefined
      : compiler.checker.template(fields.default, [...path, 'default'], sight);
  const step: WaitStep = { ...common, ...UNHANDLED, kind: 'wait', on: compileOn(place, fields), fallback };
  return { step, fields: own, inner: [] };
}

type Fields = z.infer<typeof waitShape>;

function compileOn({ compiler, path, sight }: Place, fields: Fields): WaitStep['on'] {
  const { checker, faults } = compiler;
  if (fields.for !== undefined) {
    return { for: 'duration', duration: checker.duration(fields.for, [...path, 'for'], sight) };
  }
  if (fields.until !== undefined) {
    checkInstant(fields.until, [...path, 'until'], faults);
    return { for: 'time', until: checker.template(fields.until, [...path, 'until'], sight) };
  }
  if (fields.signal !== undefined) {
    return { for: 'signal', signal: checker.template(fields.signal, [...path, 'signal'], sight) };
  }
  const event = fields.event ?? '';
  checkEvent(event, [...path, 'event'], faults);
  const where =
    fields.where === undefined
      ? undefined
      : checker.expression(fields.where, [...path, 'where'], withRoots(sight, 'event'));
  return { for: 'event', event, where };
}

function checkInstant(until: string | number, path: Path, faults: Faults): void {
  if (typeof until === 'string' && hasExpression(until)) return;
  try {
    readInstant(until);
  } catch (error) {
    faults.add(path, (error as Error).message, 'Write 2026-05-01T08:00:00+02:00, or a template.');
  }
}
