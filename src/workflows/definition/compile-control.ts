import type { z } from 'zod';
import type { Json, JsonObject } from '#core/json.ts';
import { compileApproval } from './compile-approval.ts';
import { compileSwitch } from './compile-switch.ts';
import { compileSet, compileTry } from './compile-try.ts';
import { compileWait } from './compile-wait.ts';
import type { CompiledStep, LoopStep, ParallelStep } from './compiled.ts';
import { conditionShape, loopShape, parallelShape, runWorkflowShape } from './control-shape.ts';
import type { Path } from './faults.ts';
import { readShape } from './shape.ts';
import { BASE_ROOTS, type Sight, withRoots } from './sight.ts';
import {
  type CompiledKind,
  type Place,
  type StepCommon,
  type StepCompiler,
  UNHANDLED,
} from './step-compiler.ts';

/** The steps that the engine walks itself. Each checks its own fields and compiles the steps in it. */
export function compileControl(
  compiler: StepCompiler,
  common: StepCommon,
  own: JsonObject,
  path: Path,
  sight: Sight,
): CompiledKind | undefined {
  const place: Place = { compiler, common, path, sight };
  switch (common.type) {
    case 'condition':
      return compileCondition(place, readShape(conditionShape, own, path, compiler.faults));
    case 'loop':
      return compileLoop(place, readShape(loopShape, own, path, compiler.faults));
    case 'parallel':
      return compileParallel(place, readShape(parallelShape, own, path, compiler.faults));
    case 'wait':
      return compileWait(place, own);
    case 'switch':
      return compileSwitch(place, own);
    case 'set':
      return compileSet(place, own);
    case 'try':
      return compileTry(place, own);
    case 'approval':
      return compileApproval(place, own);
    default:
      return compileRunWorkflow(place, readShape(runWorkflowShape, own, path, compiler.faults));
  }
}

function compileCondition(
  { compiler, common, path, sight }: Place,
  fields: z.infer<typeof conditionShape> | undefined,
): CompiledKind | undefined {
  if (fields === undefined) return undefined;
  const yes = compiler.list(fields.then, [...path, 'then'], sight);
  const no = compiler.list(fields.else ?? [], [...path, 'else'], sight);
  const test = compiler.checker.expression(fields.if, [...path, 'if'], sight);
  // biome-ignore lint/suspicious/noThenProperty: the definition's own word; nobody awaits a step.
  const stored = { if: fields.if, then: yes.normalized, ...(fields.else && { else: no.normalized }) };
  return {
    // biome-ignore lint/suspicious/noThenProperty: as above.
    step: { ...common, ...UNHANDLED, kind: 'condition', if: test, then: yes.steps, else: no.steps },
    fields: stored as unknown as JsonObject,
    inner: [...yes.seen, ...no.seen],
  };
}

/** CEL keeps these words to itself; a name that may not be written is no name. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if'],
  ...['import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while', 'error', 'event'],
  ...BASE_ROOTS,
]);

function compileLoop(
  { compiler, common, path, sight }: Place,
  fields: z.infer<typeof loopShape> | undefined,
): CompiledKind | undefined {
  if (fields === undefined) return undefined;
  const { faults } = compiler;
  if (fields.steps.length === 0) faults.add([...path, 'steps'], 'a loop needs at least one step');
  const { as } = fields;
  if (as !== undefined && RESERVED.has(as))
    faults.add([...path, 'as'], `"${as}" is taken`, 'Choose another name.');
  const inside = withRoots(sight, 'loop', ...(as === undefined ? [] : [as]));
  const body = compiler.list(fields.steps, [...path, 'steps'], inside);
  const over = compileOver(compiler, fields, path, sight, { roots: inside.roots, steps: body.seen });
  if (over === undefined) return undefined;
  const stored = { ...fields, steps: body.normalized };
  return {
    step: { ...common, ...UNHANDLED, kind: 'loop', over, max: fields.max, as, steps: body.steps },
    fields: stored as unknown as JsonObject,
    // What a step in a loop gave is one of many: outside, the loop's own output has them all.
    inner: [],
  };
}

/** `while` is asked between iterations, so it sees the steps of the one before. */
function compileOver(
  { checker, faults }: StepCompiler,
  fields: z.infer<typeof loopShape>,
  path: Path,
  sight: Sight,
  inside: Sight,
): LoopStep['over'] | undefined {
  const given = (['for_each', 'times', 'while'] as const).filter((name) => fields[name] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    faults.add(path, `a loop has one of for_each, times and while; here is ${found}`);
    return undefined;
  }
  if (fields.while !== undefined) {
    return { by: 'while', while: checker.expression(fields.while, [...path, 'while'], inside) };
  }
  if (fields.times !== undefined) {
    if (typeof fields.times === 'number' && fields.times > fields.max) {
      faults.add([...path, 'times'], `times is ${fields.times}, but max is ${fields.max}`, 'Raise max.');
    }
    return { by: 'times', times: checker.template(fields.times, [...path, 'times'], sight) };
  }
  return { by: 'for_each', items: checker.template(fields.for_each as Json, [...path, 'for_each'], sight) };
}

const MOST_BRANCHES = 50;
/** What the trace calls other things below a step. */
const TAKEN_BRANCHES: ReadonlySet<string> = new Set(['undo', 'on_error']);
const BRANCH_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

function compileParallel(
  { compiler, common, path, sight }: Place,
  fields: z.infer<typeof parallelShape> | undefined,
): CompiledKind | undefined {
  if (fields === undefined) return undefined;
  const names = Object.keys(fields.branches);
  checkBranches(compiler, names, fields.wait, path);
  const stored: Record<string, unknown> = {};
  const inner: string[] = [];
  const branches = names.map((name) => {
    const list = compiler.list(fields.branches[name] ?? [], [...path, 'branches', name], sight);
    stored[name] = list.normalized;
    inner.push(...list.seen);
    return { name, steps: list.steps };
  });
  const needed = fields.wait === 'all' ? names.length : fields.wait === 'any' ? 1 : fields.wait;
  const step: ParallelStep = { ...common, ...UNHANDLED, kind: 'parallel', branches, needed };
  return { step, fields: { branches: stored as JsonObject, wait: fields.wait }, inner };
}

function checkBranches({ faults }: StepCompiler, names: readonly string[], wait: unknown, path: Path): void {
  if (names.length === 0) faults.add([...path, 'branches'], 'parallel needs at least one branch');
  if (names.length > MOST_BRANCHES) faults.add([...path, 'branches'], `at most ${MOST_BRANCHES} branches`);
  for (const name of names) {
    if (BRANCH_NAME.test(name) && !TAKEN_BRANCHES.has(name)) continue;
    faults.addAtKey(
      [...path, 'branches', name],
      `"${name}" is no name of a branch`,
      'Letters, digits, _ and -.',
    );
  }
  if (typeof wait === 'number' && wait > names.length) {
    faults.add([...path, 'wait'], `wait is ${wait}, but the number of branches is ${names.length}`);
  }
}

function compileRunWorkflow(
  { compiler, common, path, sight }: Place,
  fields: z.infer<typeof runWorkflowShape> | undefined,
): CompiledKind | undefined {
  if (fields === undefined) return undefined;
  const { checker } = compiler;
  const input =
    fields.input === undefined ? undefined : checker.template(fields.input, [...path, 'input'], sight);
  const step: CompiledStep = {
    ...common,
    ...UNHANDLED,
    kind: 'run_workflow',
    workflow: checker.template(fields.workflow, [...path, 'workflow'], sight),
    input,
    wait: fields.wait,
  };
  return { step, fields: fields as JsonObject, inner: [] };
}
