import { z } from 'zod';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import {
  approvalShape,
  CONTROL_TYPES,
  conditionShape,
  loopShape,
  parallelShape,
  runWorkflowShape,
  setShape,
  switchShape,
  tryShape,
  waitShape,
} from '#workflows/definition/control-shape.ts';
import { commonShape, definitionShape } from '#workflows/definition/shape.ts';
import { triggerShape } from '#workflows/definition/trigger-shape.ts';
import { staticStepTypes } from '../../src/static-check.ts';

/**
 * config/workflow.schema.json: the shapes that definitions are checked against, for editors. Draft-07, because
 * that is what the YAML language servers of editors know whole. It says less than `chainbot workflows check`:
 * nothing of expressions, ids and times.
 */

const CONTROL: Readonly<Record<string, z.ZodType>> = {
  condition: conditionShape,
  switch: switchShape,
  loop: loopShape,
  parallel: parallelShape,
  try: tryShape,
  wait: waitShape,
  approval: approvalShape,
  set: setShape,
  run_workflow: runWorkflowShape,
};

/** Fields that hold steps, and the lists of branches. */
const LISTS = new Set(['steps', 'then', 'else', 'catch', 'finally', 'default', 'on_error', 'undo']);
const STEPS: JsonObject = { type: 'array', items: { $ref: '#/definitions/step' } };
const TEMPLATE: JsonObject = { type: 'string', pattern: '\\{\\{' };

export function workflowSchema(): string {
  const types = staticStepTypes();
  const missing = CONTROL_TYPES.filter((type) => !(type in CONTROL));
  if (missing.length > 0) throw new Error(`no shape for ${missing.join(', ')}`);
  const steps: Record<string, JsonObject> = {};
  for (const [type, shape] of Object.entries(CONTROL)) steps[type] = stepOf(type, jsonOf(shape));
  for (const type of types.types()) {
    const own = types.get(type)?.schema?.() ?? { type: 'object', additionalProperties: true };
    steps[type] = stepOf(type, templated(plain(own)) as JsonObject);
  }
  const { triggers: _t, steps: _s, on_error: _e, ...properties } = propertiesOf(jsonOf(definitionShape));
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A workflow of ChainBot',
    type: 'object',
    properties: {
      ...properties,
      triggers: { type: 'array', items: jsonOf(triggerShape) },
      steps: STEPS,
      on_error: STEPS,
    },
    required: ['name', 'steps'],
    additionalProperties: false,
    definitions: {
      step: anyStep(Object.keys(steps)),
      ...steps,
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** By its type: then a fault is told in the words of that type, and not of all of them. */
function anyStep(types: readonly string[]): JsonObject {
  return {
    type: 'object',
    properties: { id: { type: 'string' }, type: { enum: types } },
    required: ['id', 'type'],
    allOf: types.map((type) => ({
      if: { properties: { type: { const: type } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word; nobody awaits it.
      then: { $ref: `#/definitions/${type}` },
    })),
  };
}

function stepOf(type: string, own: JsonObject): JsonObject {
  const { retry, ...common } = propertiesOf(jsonOf(commonShape));
  // A bare number is max_attempts: the shape sees to that before it is looked at.
  const tries = { anyOf: [{ type: 'integer', minimum: 1, maximum: 100 }, retry as JsonObject] };
  const required = Array.isArray(own.required) ? (own.required as readonly string[]) : [];
  return {
    type: 'object',
    properties: { ...common, retry: tries, ...propertiesOf(own), type: { const: type } },
    required: ['id', 'type', ...required],
    additionalProperties: own.additionalProperties === true,
  };
}

const propertiesOf = (schema: JsonObject): JsonObject =>
  isJsonObject(schema.properties) ? schema.properties : {};

function jsonOf(shape: z.ZodType): JsonObject {
  return plain(
    z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any', target: 'draft-7' }) as Json,
  ) as JsonObject;
}

/** Any JSON value is any value; lists of steps are lists of steps; what only validators want is left out. */
function plain(schema: Json, key = ''): Json {
  if (Array.isArray(schema)) return schema.map((one) => plain(one as Json, key));
  if (!isJsonObject(schema)) return schema;
  if (typeof schema.$ref === 'string') return {};
  const isList =
    schema.type === 'array' && isJsonObject(schema.items) && Object.keys(schema.items).length === 0;
  if (isList && LISTS.has(key)) return STEPS;
  const made: Record<string, Json> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (name === '$schema' || name === '$defs' || name === 'definitions' || name === '~standard') continue;
    if (name === 'properties' && isJsonObject(value)) {
      const fields = Object.entries(value).map(([field, one]) => [field, plain(one, field)] as const);
      made[name] = Object.fromEntries(fields);
    } else if (name === 'additionalProperties' && key === 'branches') made[name] = STEPS;
    else
      made[name] = ['anyOf', 'oneOf', 'items', 'additionalProperties', 'allOf'].includes(name)
        ? plain(value, key)
        : value;
  }
  return made;
}

/** The fields of a step may be templates, whatever their type is after evaluation. */
function templated(schema: Json): Json {
  if (!isJsonObject(schema)) return schema;
  if (!isJsonObject(schema.properties)) return schema;
  const fields = Object.entries(schema.properties).map(([name, one]) => [name, orTemplate(one)] as const);
  return { ...schema, properties: Object.fromEntries(fields) };
}

function orTemplate(schema: Json): Json {
  if (!isJsonObject(schema)) return schema;
  const inner = templated(schema) as JsonObject;
  const items = isJsonObject(inner.items) ? { items: orTemplate(inner.items) } : {};
  const others = isJsonObject(inner.additionalProperties)
    ? { additionalProperties: orTemplate(inner.additionalProperties) }
    : {};
  const whole: JsonObject = { ...inner, ...items, ...others };
  if (Object.keys(whole).length === 0) return whole;
  const isFreeText = whole.type === 'string' && !('pattern' in whole || 'format' in whole);
  return isFreeText ? whole : { anyOf: [whole, TEMPLATE] };
}
