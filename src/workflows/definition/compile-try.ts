import type { JsonObject } from '#core/json.ts';
import type { SetStep, TryStep } from './compiled.ts';
import { setShape, tryShape } from './control-shape.ts';
import { readShape } from './shape.ts';
import { type Sight, withRoots } from './sight.ts';
import { type CompiledKind, type Place, UNHANDLED } from './step-compiler.ts';

/** `try`: `catch` sees what the steps did and `error`; `finally` sees all of it. */
export function compileTry(place: Place, own: JsonObject): CompiledKind | undefined {
  const { compiler, common, path, sight } = place;
  const fields = readShape(tryShape, own, path, compiler.faults);
  if (fields === undefined) return undefined;
  if (fields.steps.length === 0) compiler.faults.add([...path, 'steps'], 'a try needs at least one step');
  if (fields.catch === undefined && fields.finally === undefined) {
    compiler.faults.add(path, 'a try has catch or finally, or both', 'Without them its steps need no try.');
  }
  const { roots } = withRoots(sight, 'error');
  const body = compiler.list(fields.steps, [...path, 'steps'], sight);
  const caught = fields.catch && compiler.list(fields.catch, [...path, 'catch'], { steps: body.seen, roots });
  const after: Sight = { steps: caught?.seen ?? body.seen, roots };
  const last = fields.finally && compiler.list(fields.finally, [...path, 'finally'], after);
  const step: TryStep = {
    ...{ ...common, ...UNHANDLED, kind: 'try', steps: body.steps },
    catch: caught?.steps,
    finally: last?.steps ?? [],
    grace: compiler.checker.duration(fields.grace, [...path, 'grace'], sight),
  };
  const stored = {
    steps: body.normalized,
    ...(caught && { catch: caught.normalized }),
    ...(last && { finally: last.normalized }),
    grace: fields.grace,
  };
  return { step, fields: stored as unknown as JsonObject, inner: last?.seen ?? after.steps };
}

/** `set`: names must stand in the definition, so that there are only so many. */
export function compileSet(place: Place, own: JsonObject): CompiledKind | undefined {
  const { compiler, common, path, sight } = place;
  const fields = readShape(setShape, own, path, compiler.faults);
  if (fields === undefined) return undefined;
  if (Object.keys(fields.vars).length === 0) compiler.faults.add([...path, 'vars'], 'nothing is set here');
  const vars = compiler.checker.template(fields.vars as JsonObject, [...path, 'vars'], sight);
  const step: SetStep = { ...common, ...UNHANDLED, kind: 'set', vars };
  return { step, fields: fields as JsonObject, inner: [] };
}
