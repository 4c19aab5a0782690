import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { Screen } from './screen.ts';
import { brief } from './values.ts';

const FRAME = new Set([
  ...['id', 'type', 'name', 'retry', 'timeout', 'on_error', 'on_interrupt', 'when', 'undo'],
]);

/** What a definition takes and does: its input and the tree of its steps. */
export function printDefinition(definition: JsonObject, screen: Screen): void {
  const properties = isJsonObject(definition.input) ? definition.input.properties : undefined;
  if (isJsonObject(properties)) {
    screen.line();
    screen.line(screen.paint('bold', 'Input'));
    const rows = Object.entries(properties).map(([name, schema]) => inputRow(name, schema));
    for (const line of screen.rows(
      [{ title: '' }, { title: '' }, { title: '' }, { title: '', optional: true }],
      rows,
      false,
    )) {
      screen.line(line);
    }
  }
  screen.line();
  screen.line(screen.paint('bold', 'Steps'));
  const rows = [...stepRows(definition.steps, 1)];
  for (const line of screen.rows(
    [{ title: '', min: 12 }, { title: '', min: 8 }, { title: '' }],
    rows,
    false,
  )) {
    screen.line(line);
  }
}

function inputRow(name: string, schema: Json): string[] {
  if (!isJsonObject(schema)) return [`  ${name}`, '', '', ''];
  const preset = schema.default === undefined ? '' : `default ${JSON.stringify(schema.default)}`;
  return [`  ${brief(name)}`, brief(schema.type), brief(preset), brief(schema.description)];
}

/** One row per step, containers before what is in them. */
function* stepRows(steps: Json | undefined, depth: number): Generator<string[]> {
  if (!Array.isArray(steps)) return;
  for (const step of steps as readonly Json[]) {
    if (!isJsonObject(step)) continue;
    const when = step.when === undefined ? '' : `when ${brief(step.when)}; `;
    yield ['  '.repeat(depth) + brief(step.id), brief(step.type), when + fieldsText(step)];
    for (const [label, inner] of innerSteps(step)) {
      if (label !== '') yield [`${'  '.repeat(depth + 1)}${label}:`, '', ''];
      yield* stepRows(inner, depth + (label === '' ? 1 : 2));
    }
  }
}

function* innerSteps(step: JsonObject): Generator<readonly [label: string, steps: Json]> {
  if (step.steps !== undefined) yield ['', step.steps];
  for (const label of ['then', 'else']) {
    const inner = step[label];
    if (Array.isArray(inner) && inner.length > 0) yield [label, inner];
  }
  if (isJsonObject(step.branches)) {
    for (const [name, inner] of Object.entries(step.branches)) yield [brief(name), inner];
  }
  if (step.type === 'switch') yield* casesOf(step);
  const lists = step.type === 'try' ? ['catch', 'finally', 'on_error', 'undo'] : ['on_error', 'undo'];
  for (const label of lists) {
    const inner = step[label];
    if (Array.isArray(inner)) yield [label, inner];
  }
}

function* casesOf(step: JsonObject): Generator<readonly [label: string, steps: Json]> {
  for (const one of Array.isArray(step.cases) ? step.cases : []) {
    if (isJsonObject(one) && one.steps !== undefined) yield [`case ${brief(one.when)}`, one.steps];
  }
  if (Array.isArray(step.default)) yield ['default', step.default];
}

/** A step's own fields on one line, without the steps in it. */
function fieldsText(step: JsonObject): string {
  return Object.entries(step)
    .filter(([name]) => !FRAME.has(name) && !isInner(step, name))
    .map(([name, value]) => `${name}: ${brief(value)}`)
    .join(', ');
}

const INNER: ReadonlySet<string> = new Set([
  'steps',
  'then',
  'else',
  'branches',
  'cases',
  'catch',
  'finally',
]);

/** `default` holds steps in a switch, and a value in other steps. */
function isInner(step: JsonObject, name: string): boolean {
  return INNER.has(name) || (name === 'default' && step.type === 'switch');
}
