import type { JsonObject } from '#core/json.ts';
import type { ApprovalStep } from './compiled.ts';
import { approvalShape } from './control-shape.ts';
import { readShape } from './shape.ts';
import { type CompiledKind, type Place, UNHANDLED } from './step-compiler.ts';

/** `approval`: what a person is asked, who may answer, and until when. */
export function compileApproval(place: Place, own: JsonObject): CompiledKind | undefined {
  const { compiler, common, path, sight } = place;
  const { checker, faults } = compiler;
  const fields = readShape(approvalShape, own, path, faults);
  if (fields === undefined) return undefined;
  if (fields.roles !== undefined && fields.anyone !== undefined) {
    faults.addAtKey([...path, 'anyone'], '`anyone` and `roles` exclude each other', 'Keep one of them.');
  }
  if (fields.default !== undefined && fields.deadline === undefined) {
    faults.addAtKey(
      [...path, 'default'],
      '`default` is for an approval with a deadline',
      'Add deadline: 1h.',
    );
  }
  const step: ApprovalStep = {
    ...{ ...common, ...UNHANDLED, kind: 'approval' },
    title: checker.template(fields.title, [...path, 'title'], sight),
    body: fields.body === undefined ? undefined : checker.template(fields.body, [...path, 'body'], sight),
    roles: fields.roles ?? null,
    deadline:
      fields.deadline === undefined
        ? undefined
        : checker.duration(fields.deadline, [...path, 'deadline'], sight),
    fallback: fields.default,
  };
  return { step, fields: own, inner: [] };
}
