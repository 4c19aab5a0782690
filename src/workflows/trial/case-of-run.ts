import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { innerLists } from '../definition/step-ids.ts';
import type { StepTypes } from '../definition/step-types.ts';
import { hasExpression } from '../expressions/scan.ts';
import type { RunDetail, StepRecord, WorkflowDetail } from '../runs-port.ts';
import { ANYTHING } from './differences.ts';

/**
 * A recorded run as a case: what the world answered is given, what came of it is expected. Replaying it on the
 * same definition passes; on a changed one it shows what the change changes.
 */
export function caseOfRun(run: RunDetail, workflow: WorkflowDetail, stepTypes: StepTypes): JsonObject {
  const written = stepsById(workflow);
  const steps: Record<string, Json> = {};
  const workflows: Record<string, JsonObject[]> = {};
  const signals: JsonObject[] = [];
  const events: JsonObject[] = [];
  const approvals: JsonObject[] = [];
  for (const step of run.steps) {
    const fields = written.get(step.id) ?? {};
    if (step.type === 'approval') addApproval(step, approvals);
    else if (step.type === 'wait') addArrival(step, fields, signals, events);
    else if (step.type === 'run_workflow') addChild(step, fields, workflows);
    else if (isOutside(step, stepTypes)) {
      const answers = answersOf(step);
      if (answers.length > 0) steps[step.path] = answers.length === 1 ? (answers[0] as Json) : answers;
    }
  }
  const given = {
    ...(Object.keys(steps).length > 0 && { steps }),
    ...(Object.keys(workflows).length > 0 && { workflows }),
    ...(signals.length > 0 && { signals }),
    ...(events.length > 0 && { events }),
    ...(approvals.length > 0 && { approvals }),
  };
  return {
    workflow: run.workflow,
    version: run.version,
    input: run.input,
    ...(run.trigger.type === 'manual' ? {} : { trigger: run.trigger }),
    ...(run.startedAt === null ? {} : { at: new Date(run.startedAt).toISOString() }),
    given: given as JsonObject,
    expect: expectedOf(run, stepTypes),
    // Last, for it is long.
    definition: workflow.source,
  };
}

function stepsById({ definition }: WorkflowDetail): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  const visit = (list: readonly unknown[]): void => {
    for (const step of list) {
      if (!isJsonObject(step as Json)) continue;
      const fields = step as JsonObject;
      found.set(String(fields.id), fields);
      for (const [inner] of innerLists(fields, [])) visit(inner);
    }
  };
  visit(definition.steps);
  visit(definition.on_error ?? []);
  return found;
}

/** Did the step ask or change something outside? Those that did not do the same again. */
function isOutside({ type }: StepRecord, stepTypes: StepTypes): boolean {
  const known = stepTypes.get(type);
  return known !== undefined && known.effect !== 'none';
}

function answersOf({ history, status, output, error }: StepRecord): JsonObject[] {
  const before = history.map((attempt) => ({ error: failure(attempt.error) }));
  if (status === 'completed') return [...before, { output }];
  // A step that ended in its fallback has its error all the same.
  return error === null ? before : [...before, { error: failure(error) }];
}

function failure({ code, message, retryable }: NonNullable<StepRecord['error']>): JsonObject {
  return { code, message, retryable };
}

function addArrival(step: StepRecord, fields: JsonObject, signals: JsonObject[], events: JsonObject[]): void {
  const { output, status } = step;
  if (status !== 'completed' || same(output, fields.default)) return;
  if (typeof fields.signal === 'string' && !hasExpression(fields.signal)) {
    signals.push({ name: fields.signal, payload: output });
  }
  if (typeof fields.event === 'string' && isJsonObject(output) && typeof output.type === 'string') {
    const { type, subject, data } = output;
    events.push({ type, subject: subject ?? '', data: data ?? {} });
  }
}

function addApproval({ path, output }: StepRecord, approvals: JsonObject[]): void {
  if (!isJsonObject(output) || output.expired === true || typeof output.approved !== 'boolean') return;
  approvals.push({ step: path, approve: output.approved, comment: output.comment ?? null });
}

function addChild(
  { status, output, error }: StepRecord,
  fields: JsonObject,
  workflows: Record<string, JsonObject[]>,
) {
  const name = fields.workflow;
  if (typeof name !== 'string' || hasExpression(name) || fields.wait === false) return;
  const list = workflows[name] ?? [];
  workflows[name] = list;
  if (status === 'completed' && isJsonObject(output)) list.push({ output: output.output ?? null });
  else if (error !== null) list.push({ error: failure(error) });
}

function same(a: Json, b: Json | undefined): boolean {
  return b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

function expectedOf(run: RunDetail, stepTypes: StepTypes): JsonObject {
  const ended = run.status === 'completed' || run.status === 'failed';
  return {
    ...(ended && { status: run.status }),
    ...(run.status === 'completed' && { output: steady(run.output, run.id) }),
    ...(run.error && { error: { code: run.error.code } }),
    ...(effectsOf(run, stepTypes) ?? {}),
  };
}

/** What a parallel did first is another each time: then effects are not expected. */
function effectsOf(run: RunDetail, stepTypes: StepTypes): { readonly effects: JsonObject[] } | undefined {
  if (run.steps.some(({ type }) => type === 'parallel' || type === 'run_workflow')) return undefined;
  if (run.status !== 'completed' && run.status !== 'failed') return undefined;
  const effects = run.steps
    .filter((step) => isOutside(step, stepTypes) && stepTypes.get(step.type)?.effect !== 'read')
    .flatMap((step) => answersOf(step).map(() => ({ step: step.path, type: step.type })));
  return { effects };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** Times and the run's own id are others the next time. */
function steady(value: Json, id: string): Json {
  if (typeof value === 'string') return TIME.test(value) || value.includes(id) ? ANYTHING : value;
  if (Array.isArray(value)) return value.map((one) => steady(one as Json, id));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, steady(one, id)]));
}
