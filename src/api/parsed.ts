import type { z } from 'zod';
import { type Fault, TerminalError } from '#core/errors.ts';

/**
 * The value as the schema has it.
 * @throws TerminalError `request.invalid` with every fault
 */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(faultOf);
  const first = faults[0] as Fault;
  const where = first.path === '' ? '' : `${first.path}: `;
  throw new TerminalError('invalid', 'request.invalid', `${where}${first.message}`, {
    faults,
    hint: 'The shapes stand in GET /api/chainbot/openapi.json and in docs/api.md.',
  });
}

function faultOf(issue: z.core.$ZodIssue): Fault {
  return { path: issue.path.map(String).join('.'), message: issue.message };
}
