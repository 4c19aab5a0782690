import type { z } from 'zod';
import { isJsonObject, type JsonObject } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import type { OnInterrupt, RetryPolicy, StepDefinition } from '../definition-port.ts';
import type { CompiledRetry } from '../port.ts';
import { compileControl } from './compile-control.ts';
import { compileLate } from './compile-late.ts';
import type { CompiledStep, TaskStep } from './compiled.ts';
import { CONTROL_TYPES } from './control-shape.ts';
import { type Path, pathText, readPath } from './faults.ts';
import { COMMON_FIELDS, commonShape, readShape } from './shape.ts';
import { type Sight, type SightChecker, withRoots } from './sight.ts';
import {
  type CompiledKind,
  type CompiledList,
  type StepCommon,
  type StepCompiler,
  UNHANDLED,
} from './step-compiler.ts';

/** One step after another: each sees those before it. `alone`: none sees its neighbours. */
export function compileList(
  compiler: StepCompiler,
  list: readonly unknown[],
  path: Path,
  sight: Sight,
  alone = false,
): CompiledList {
  const seen = new Set(sight.steps);
  const steps: CompiledStep[] = [];
  const normalized: StepDefinition[] = [];
  for (const [i, raw] of list.entries()) {
    const here: Sight = { steps: alone ? sight.steps : seen, roots: sight.roots };
    const compiled = compileStep(compiler, raw, [...path, i], here);
    if (compiled === undefined) continue;
    steps.push(compiled.step);
    normalized.push(compiled.normalized);
    for (const id of compiled.seen) seen.add(id);
  }
  return { steps, normalized, seen };
}

interface CompiledOne {
  readonly step: CompiledStep;
  readonly normalized: StepDefinition;
  readonly seen: Iterable<string>;
}

function compileStep(
  compiler: StepCompiler,
  raw: unknown,
  path: Path,
  sight: Sight,
): CompiledOne | undefined {
  if (!isJsonObject(raw)) {
    compiler.faults.add(path, 'a step is an object with id and type', '- {id: read, type: device_read, …}');
    return undefined;
  }
  const shape = readShape(commonShape, raw, path, compiler.faults);
  if (shape === undefined) return undefined;
  if (RESERVED_IDS.has(shape.id)) {
    const why =
      shape.id === 'undo' ? 'The trace keeps the word for `undo`.' : 'Expressions reserve the word.';
    compiler.faults.add([...path, 'id'], `"${shape.id}" cannot be an id`, why);
  }
  const own = ownFields(raw);
  const common = compileCommon(compiler, shape, path, sight);
  const kind = CONTROL_TYPES.includes(shape.type)
    ? compileControl(compiler, common, own, path, sight)
    : compileTask(compiler, common, own, path, sight);
  if (kind === undefined) return undefined;
  const seen = new Set([...kind.inner, shape.id]);
  const handled = compileOnError(compiler, shape.on_error, path, sight, seen);
  const undo = compileUndo(compiler, shape.undo, path, sight, seen);
  const step: CompiledStep = { ...kind.step, onError: handled.onError, undo: undo?.steps ?? [] };
  compiler.byId.set(step.id, step);
  const undone = undo && { undo: undo.normalized };
  return {
    step,
    normalized: { ...definedOf(shape), ...handled.normalized, ...undone, ...kind.fields } as StepDefinition,
    seen,
  };
}

/** `steps.in` and the like cannot be written in CEL. */
const RESERVED_IDS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null', 'undo']);

function ownFields(step: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(step).filter(([name]) => !COMMON_FIELDS.includes(name)));
}

type Shape = z.infer<typeof commonShape>;

function definedOf(shape: Shape): Partial<StepDefinition> {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined));
}

function compileCommon(compiler: StepCompiler, shape: Shape, path: Path, sight: Sight): StepCommon {
  const { checker } = compiler;
  return {
    id: shape.id,
    type: shape.type,
    name: shape.name,
    at: pathText(path),
    when: shape.when === undefined ? undefined : checker.expression(shape.when, [...path, 'when'], sight),
    retry: shape.retry === undefined ? undefined : compileRetry(checker, shape.retry, [...path, 'retry']),
    timeout:
      shape.timeout === undefined ? undefined : checker.duration(shape.timeout, [...path, 'timeout'], sight),
    onInterrupt: shape.on_interrupt as OnInterrupt | undefined,
  };
}

function compileRetry(checker: SightChecker, retry: RetryPolicy, path: Path): CompiledRetry {
  return {
    maxAttempts: retry.max_attempts,
    delayMs: checker.literalDuration(retry.delay, [...path, 'delay']),
    factor: retry.factor,
    maxDelayMs: checker.literalDuration(retry.max_delay, [...path, 'max_delay']),
    jitter: retry.jitter,
  };
}

function compileTask(
  compiler: StepCompiler,
  common: StepCommon,
  own: JsonObject,
  path: Path,
  sight: Sight,
): CompiledKind | undefined {
  const stepType = compiler.stepTypes.get(common.type);
  if (stepType === undefined) {
    const known = [...CONTROL_TYPES, ...compiler.stepTypes.types()];
    const hint = elsewhere(common.type) ?? didYouMean(common.type, known) ?? `Types: ${known.join(', ')}.`;
    compiler.faults.add([...path, 'type'], `there is no step type "${common.type}"`, hint);
    return undefined;
  }
  for (const fault of stepType.check(own)) {
    compiler.faults.add([...path, ...readPath(fault.path)], fault.message, fault.hint);
  }
  const { late, early } = compileLate(compiler, stepType.late, own, path, sight);
  const fields = compiler.checker.fields(early, path, sight, stepType.secretFields);
  const written = (fields.literal && late === undefined ? fields.evaluate({}) : own) as JsonObject;
  const retry = common.retry ?? stepType.retry;
  const step: TaskStep = { ...common, retry, kind: 'task', stepType, fields, written, late, ...UNHANDLED };
  return { step, fields: own, inner: [] };
}

interface Handled {
  readonly onError: CompiledStep['onError'];
  readonly normalized: { readonly on_error?: StepDefinition['on_error'] };
}

/** The steps of `on_error` see the step that failed, and `error`; what they do is seen after it. */
function compileOnError(
  compiler: StepCompiler,
  onError: Shape['on_error'],
  path: Path,
  sight: Sight,
  seen: Set<string>,
): Handled {
  if (onError === undefined) return { onError: 'fail', normalized: {} };
  if (!Array.isArray(onError)) return { onError: onError as 'fail' | 'continue', normalized: {} };
  const inside: Sight = { steps: new Set([...sight.steps, ...seen]), roots: withRoots(sight, 'error').roots };
  const list = compiler.list(onError, [...path, 'on_error'], inside);
  for (const id of list.seen) seen.add(id);
  return { onError: list.steps, normalized: { on_error: list.normalized } };
}

/** The steps of `undo` see what the step saw, the step itself, and `error`; nobody sees them. */
function compileUndo(
  compiler: StepCompiler,
  undo: Shape['undo'],
  path: Path,
  sight: Sight,
  seen: ReadonlySet<string>,
): CompiledList | undefined {
  if (undo === undefined) return undefined;
  if (path[0] === 'on_error' || path.includes('undo')) {
    const where = path.includes('undo') ? 'undo' : "the workflow's on_error";
    compiler.faults.addAtKey([...path, 'undo'], `a step of ${where} has no undo`, 'Nothing comes after it.');
  }
  const inside: Sight = { steps: new Set([...sight.steps, ...seen]), roots: withRoots(sight, 'error').roots };
  return compiler.list(undo, [...path, 'undo'], inside);
}

/** What other programs call it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{
    delay: 'wait',
    sleep: 'wait',
    pause: 'wait',
    http: 'api_call',
    request: 'api_call',
    http_request: 'api_call',
  },
  ...{
    mqtt: 'publish',
    mqtt_publish: 'publish',
    notify: 'notification',
    alert: 'notification',
    mail: 'email',
  },
  ...{ if: 'condition', choose: 'switch', foreach: 'loop', for_each: 'loop', repeat: 'loop', while: 'loop' },
  ...{
    script: 'transform',
    function: 'transform',
    code: 'transform',
    print: 'log',
    debug: 'log',
    stop: 'fail',
  },
  ...{ read: 'device_read', write: 'device_write', call: 'run_workflow', workflow: 'run_workflow' },
};

function elsewhere(type: string): string | undefined {
  const here = Object.hasOwn(ELSEWHERE, type) ? ELSEWHERE[type] : undefined;
  return here && `Here that is "${here}".`;
}
