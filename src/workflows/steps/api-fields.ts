import { z } from 'zod';
import type { JsonObject } from '#core/json.ts';
import { type FieldFault, stepFields } from '#core/step-fields.ts';

const METHODS = /^(get|head|post|put|patch|delete|options)$/i;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_PARTS = 50;
const MOST_PAGES = 1000;
const BODIES = ['body', 'form', 'multipart', 'file'] as const;

const scalar = z.union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false');
const pairs = z.record(z.string(), z.union([scalar, z.null(), z.array(scalar)]));
const path = z.string().min(1).max(1000);
const fileName = z.string().min(1).max(200);
const question = z.union([z.string(), z.boolean()], 'must be an expression');

const part = z.union(
  [
    scalar,
    z.strictObject({ file: path, name: fileName.optional(), type: z.string().max(200).optional() }),
    z.strictObject({ text: z.string(), name: fileName.optional(), type: z.string().max(200).optional() }),
  ],
  'must be text, {file} or {text, name, type}',
);

const paginate = z.strictObject({
  by: z.enum(['link', 'cursor', 'page']),
  next: question.optional(),
  items: question.optional(),
  param: z.string().min(1).max(100).optional(),
  start: z.int().min(0).default(1),
  max_pages: z.int().min(1).max(MOST_PAGES).default(10),
});

const schema = stepFields(
  z.strictObject({
    method: z
      .string()
      .regex(METHODS, 'must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS')
      .default('GET'),
    url: z.string().min(1).max(8192),
    query: pairs.optional(),
    headers: z.record(z.string(), scalar).optional(),
    credential: z.string().min(1).max(100).optional(),
    body: z.json().optional(),
    form: pairs.optional(),
    multipart: z
      .record(z.string(), part)
      .refine((parts) => Object.keys(parts).length <= MOST_PARTS, `has more than ${MOST_PARTS} parts`)
      .optional(),
    file: path.optional(),
    expect: z.array(z.int().min(100).max(599)).min(1).max(50).optional(),
    success: question.optional(),
    response: z.enum(['auto', 'json', 'text', 'base64']).default('auto'),
    max_bytes: z.int().min(0).max(MOST_BYTES).optional(),
    paginate: paginate.optional(),
  }),
);

/** The fields of an api_call. */
export const apiFields = {
  parse: schema.parse,
  schema: schema.schema,
  check: (written: JsonObject): readonly FieldFault[] => [
    ...schema.check(written),
    ...bodyFaults(written),
    ...pageFaults(written.paginate),
  ],
};

export type ApiFields = ReturnType<typeof schema.parse>;
export type Paginate = NonNullable<ApiFields['paginate']>;

function bodyFaults(written: JsonObject): FieldFault[] {
  const [first, ...others] = BODIES.filter((name) => written[name] !== undefined);
  return others.map((name) => ({
    path: name,
    message: `there is \`${first}\` already: a call has one of ${BODIES.join(', ')}`,
  }));
}

function pageFaults(written: unknown): FieldFault[] {
  if (typeof written !== 'object' || written === null) return [];
  const { by, next, items } = written as JsonObject;
  if (by === 'cursor' && next === undefined) {
    const hint = 'An expression that sees response: "{{ response.body.next_cursor }}".';
    return [{ path: 'paginate.next', message: '"paginate.next" is missing', hint }];
  }
  if ((by === 'link' || by === 'page') && next !== undefined) {
    return [{ path: 'paginate.next', message: '`next` is for `by: cursor`' }];
  }
  if (by === 'page' && items === undefined) {
    const hint = 'The pages end with the first one that has no items: "{{ response.body.items }}".';
    return [{ path: 'paginate.items', message: '"paginate.items" is missing', hint }];
  }
  return [];
}
