import type { z } from 'zod';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { WorkflowDefinition } from '../definition-port.ts';
import type { ExpressionOptions } from '../expressions/expression.ts';
import { compileList } from './compile-steps.ts';
import { compileTriggers } from './compile-triggers.ts';
import type { CompiledDefinition, CompiledStep, CompiledTrigger } from './compiled.ts';
import { compileConcurrency, priorityRank } from './concurrency.ts';
import { Faults, type Path } from './faults.ts';
import { anyInput, checkSchema, compileInputSchema, type InputCheck } from './input-schema.ts';
import { definitionShape, readShape } from './shape.ts';
import { BASE_ROOTS, type Sight, SightChecker, type SightOptions, withRoots } from './sight.ts';
import { readSource } from './source.ts';
import type { CompiledList, StepCompiler } from './step-compiler.ts';
import { collectIds } from './step-ids.ts';
import type { StepTypes } from './step-types.ts';

/**
 * Reads the text of a definition, checks all of it and compiles it.
 * @throws TerminalError `workflow.invalid` (invalid) with every fault, its path, line and column
 */
export function parseDefinition(
  source: string,
  type: 'yaml' | 'json',
  stepTypes: StepTypes,
  options: SightOptions = {},
): CompiledDefinition {
  const { value, locate } = readSource(source, type);
  return compile(value, new Faults(locate), stepTypes, { ...options, stored: false });
}

/**
 * Compiles a normalised definition that was stored; the same checks without lines and columns, but for the
 * slow one of its input's schema, which was passed when it was saved.
 * @throws TerminalError `workflow.invalid`, for instance when a step type is no longer there
 */
export function compileDefinition(
  definition: WorkflowDefinition,
  stepTypes: StepTypes,
  options: ExpressionOptions = {},
): CompiledDefinition {
  return compile(definition as unknown as Json, new Faults(), stepTypes, { ...options, stored: true });
}

interface CompileOptions extends SightOptions {
  readonly stored: boolean;
}

type Shape = z.infer<typeof definitionShape>;

function compile(
  value: Json,
  faults: Faults,
  stepTypes: StepTypes,
  options: CompileOptions,
): CompiledDefinition {
  const shape = readShape(definitionShape, value, [], faults) ?? partly(value, faults);
  if (isJsonObject(value) && Array.isArray(value.steps) && value.steps.length === 0) {
    faults.add(['steps'], 'a workflow needs at least one step');
  }
  const ids = collectIds(
    [
      [shape.steps, ['steps']],
      [shape.on_error ?? [], ['on_error']],
    ],
    faults,
  );
  const checker = new SightChecker(faults, { ids, inputs: inputNames(shape.input) }, options);
  const compiler: StepCompiler = {
    ...{ faults, checker, stepTypes, byId: new Map() },
    list: (steps, path, sight) => compileList(compiler, steps, path, sight),
  };
  const parts = compileParts(compiler, shape, options.stored);
  faults.throwIfAny();
  return assemble(compiler, shape, parts);
}

/** With a fault at the top the steps are still looked at, so that all faults come at once. */
function partly(value: Json, faults: Faults): Shape {
  // Nothing of a text that is no object is worth a second look.
  if (!isJsonObject(value)) faults.throwIfAny();
  const { steps, triggers, on_error, input } = value as JsonObject;
  return {
    name: 'invalid',
    mode: 'sequential',
    steps: Array.isArray(steps) ? steps : [],
    triggers: Array.isArray(triggers) ? triggers : [],
    on_error: Array.isArray(on_error) ? on_error : undefined,
    input: isJsonObject(input) ? { ...input } : undefined,
  };
}

interface Parts {
  readonly list: CompiledList;
  readonly onError: CompiledList;
  readonly triggers: readonly CompiledTrigger[];
  readonly validateInput: InputCheck;
  readonly vars: CompiledDefinition['vars'];
  readonly output: CompiledDefinition['output'];
  readonly timeoutMs: number | undefined;
  readonly concurrency: ReturnType<typeof compileConcurrency>;
}

const FIRST_SIGHT: Sight = { steps: new Set(), roots: new Set(BASE_ROOTS) };
const VARS_SIGHT: Sight = { steps: new Set(), roots: new Set(['input', 'trigger', 'run']) };

function compileParts(compiler: StepCompiler, shape: Shape, stored: boolean): Parts {
  const { checker, faults } = compiler;
  const list = compileList(compiler, shape.steps, ['steps'], FIRST_SIGHT, shape.mode !== 'sequential');
  if (shape.mode === 'conditional') checkChoice(list.steps, faults);
  const after: Sight = { steps: list.seen, roots: FIRST_SIGHT.roots };
  const vars = shape.vars as JsonObject | undefined;
  const output = shape.output as Json | undefined;
  return {
    list,
    onError: compiler.list(shape.on_error ?? [], ['on_error'], withRoots(after, 'error')),
    triggers: compileTriggers(shape.triggers, shape.name, checker, faults),
    validateInput: compileInput(shape.input as JsonObject | undefined, stored, faults),
    vars: vars === undefined ? undefined : checker.template(vars, ['vars'], VARS_SIGHT),
    output: output === undefined ? undefined : checker.template(output, ['output'], after),
    timeoutMs: shape.timeout === undefined ? undefined : checker.literalDuration(shape.timeout, ['timeout']),
    concurrency: compileConcurrency(shape.concurrency, checker, faults),
  };
}

/** The first step whose `when` is true runs, so one without `when` ends the choice. */
function checkChoice(steps: readonly CompiledStep[], faults: Faults): void {
  const open = steps.findIndex(({ when }) => when === undefined);
  if (open < 0 || open === steps.length - 1) return;
  const path: Path = ['steps', open + 1];
  faults.add(
    path,
    `this never runs: "${steps[open]?.id}" before it has no when`,
    'Give it a when, or put it last.',
  );
}

function compileInput(schema: JsonObject | undefined, stored: boolean, faults: Faults): InputCheck {
  if (schema === undefined) return anyInput;
  try {
    if (!stored) checkSchema(schema);
    return compileInputSchema(schema);
  } catch (error) {
    const { message, cause } = error as Error;
    faults.add(['input'], `not a JSON Schema: ${message}`, typeof cause === 'string' ? cause : undefined);
    return anyInput;
  }
}

function inputNames(schema: Shape['input']): ReadonlySet<string> {
  const properties = schema?.properties;
  return new Set(typeof properties === 'object' && properties !== null ? Object.keys(properties) : []);
}

function assemble(compiler: StepCompiler, shape: Shape, parts: Parts): CompiledDefinition {
  const normalized = {
    ...shape,
    concurrency: parts.concurrency?.definition,
    triggers: parts.triggers.map(({ definition }) => definition),
    steps: parts.list.normalized,
    on_error: shape.on_error && parts.onError.normalized,
  };
  return {
    // Through JSON: what is compiled now and what is read from the store are the same.
    definition: JSON.parse(JSON.stringify(normalized)) as WorkflowDefinition,
    mode: shape.mode,
    steps: parts.list.steps,
    byId: compiler.byId,
    triggers: parts.triggers,
    vars: parts.vars,
    output: parts.output,
    onError: parts.onError.steps,
    timeoutMs: parts.timeoutMs,
    concurrency: parts.concurrency?.compiled,
    priority: priorityRank(shape.priority ?? 'normal'),
    validateInput: parts.validateInput,
  };
}
