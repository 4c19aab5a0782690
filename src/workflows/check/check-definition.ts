import { type Fault, TerminalError } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { type Locate, type Path, pathText } from '../definition/faults.ts';
import { parseDefinition } from '../definition/parse-definition.ts';
import type { Sighting } from '../definition/sight.ts';
import { readSource } from '../definition/source.ts';
import type { StepTypes } from '../definition/step-types.ts';
import { compileExpression } from '../expressions/expression.ts';
import { hasExpression, splitTemplate } from '../expressions/scan.ts';
import { compileTemplate } from '../expressions/template.ts';
import { expressionType, testedPaths } from './expression-type.ts';
import { Outline, type WrittenStep } from './outline.ts';
import { checkLoopEffects, checkWaits, checkWays } from './paths.ts';
import { typeName } from './value-type.ts';

/** What is wrong or odd; an error would be refused, or is sure to fail. */
export interface Problem extends Fault {
  readonly severity: 'error' | 'warning';
}

export interface CheckReport {
  /** The workflow's name, when it can be read. */
  readonly name: string | null;
  /** No errors; there may be warnings. */
  readonly ok: boolean;
  readonly problems: readonly Problem[];
}

/** What the checker may know of the place where the workflow is to run. */
export interface Surroundings {
  readonly stepTypes: StepTypes;
  /** The types of events that ChainBot itself writes. */
  readonly events: readonly string[];
  /** undefined: not known, so nothing is said of devices. */
  readonly devices?: readonly { readonly id: string; readonly writable: boolean }[] | undefined;
  /** Names of stored workflows. */
  readonly workflows?: readonly string[] | undefined;
  /** Names of the secrets in the vault. */
  readonly secrets?: readonly string[] | undefined;
}

const MOST_PROBLEMS = 200;

/** All that can be said of a definition before it runs: every fault, and what is odd. Never throws for it. */
export function checkDefinition(source: string, type: 'yaml' | 'json', around: Surroundings): CheckReport {
  const sightings: Sighting[] = [];
  const faults = faultsOf(() =>
    parseDefinition(source, type, around.stepTypes, { watch: (one) => sightings.push(one) }),
  );
  const problems: Problem[] = faults.map((fault) => ({ ...fault, severity: 'error' }));
  const read = readable(source, type);
  if (read === undefined) return { name: null, ok: false, problems };
  const checker = new Checker(read.definition, read.locate, around, sightings);
  problems.push(...checker.problems());
  const { name } = read.definition;
  return {
    name: typeof name === 'string' ? name : null,
    ok: !problems.some(({ severity }) => severity === 'error'),
    problems: problems.toSorted((a, b) => place(a) - place(b)).slice(0, MOST_PROBLEMS),
  };
}

const place = ({ line = 0, column = 0 }: Problem): number => line * 100_000 + column;

function faultsOf(parse: () => unknown): readonly Fault[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return error.faults.length > 0 ? error.faults : [{ path: '', message: error.message, hint: error.hint }];
  }
}

function readable(
  source: string,
  type: 'yaml' | 'json',
): { readonly definition: JsonObject; readonly locate: Locate } | undefined {
  try {
    const { value, locate } = readSource(source, type);
    return isJsonObject(value) ? { definition: value, locate } : undefined;
  } catch {
    return undefined; // its faults are known
  }
}

/** Finds what is odd in a definition whose text can be read. */
class Checker {
  readonly #definition: JsonObject;
  readonly #locate: Locate;
  readonly #around: Surroundings;
  readonly #sightings: readonly Sighting[];
  readonly #problems = new Map<string, Problem>();

  constructor(definition: JsonObject, locate: Locate, around: Surroundings, sightings: readonly Sighting[]) {
    this.#definition = definition;
    this.#locate = locate;
    this.#around = around;
    this.#sightings = sightings;
  }

  problems(): readonly Problem[] {
    const { stepTypes } = this.#around;
    const tested = new Set(this.#sightings.flatMap((one) => textsOf(one).flatMap(quietly(testedPaths))));
    const outline = new Outline(this.#definition, stepTypes, tested);
    const steps = [...outline.steps.values()];
    for (const sighting of this.#sightings) this.#checkTypes(sighting, outline);
    const warn = (path: Path, message: string, hint?: string): void =>
      this.#add('warning', path, message, hint);
    checkWays(this.#definition, steps, warn);
    checkWaits(this.#definition, steps, warn);
    checkLoopEffects(this.#definition, steps, this.#sightings.map(readerOf), stepTypes, warn);
    for (const step of steps) this.#checkThings(step);
    this.#checkTriggers();
    return [...this.#problems.values()];
  }

  #add(severity: Problem['severity'], path: Path, message: string, hint?: string): void {
    const at = { severity, path: pathText(path), message, hint, ...this.#locate(path, false) };
    this.#problems.set(`${at.path} ${message}`, at);
  }

  #checkTypes(sighting: Sighting, outline: Outline): void {
    const { path } = sighting;
    const env = outline.env(
      path,
      (message, hint) => this.#add('warning', path, message, hint),
      (id) => this.#checkDevice(id, path, 'warning'),
    );
    if (path.at(-1) === 'for_each') {
      const type = outline.typeOf(sighting.text, path);
      if (type.kind !== 'any' && type.kind !== 'list') {
        const what = typeName(type);
        this.#add('warning', path, `a loop goes through a list, and this is ${what}`, 'Name the list in it.');
      }
    }
    for (const text of textsOf(sighting)) {
      for (const name of quietly(secretsIn)(text)) this.#checkSecret(name, path);
      const [type] = quietly((one: string) => [expressionType(one, env)])(text);
      if (sighting.kind !== 'condition' || type === undefined) continue;
      if (type.kind === 'any' || type.kind === 'boolean') continue;
      this.#add(
        'warning',
        path,
        `a condition is true or false, and this is ${typeName(type)}`,
        'Compare: x > 0, x != "".',
      );
    }
  }

  #checkThings({ type, fields, path }: WrittenStep): void {
    const { device, workflow } = fields;
    for (const field of ['credential', 'secret']) this.#checkSecrets(fields[field], [...path, field]);
    if (typeof device === 'string' && !hasExpression(device) && this.#around.stepTypes.get(type)) {
      this.#checkDevice(device, [...path, 'device'], 'error', type === 'device_write');
    }
    if (type === 'run_workflow' && typeof workflow === 'string' && !hasExpression(workflow)) {
      this.#checkWorkflow(workflow, [...path, 'workflow']);
    }
    if (type === 'wait' && typeof fields.event === 'string')
      this.#checkEvent(fields.event, [...path, 'event']);
  }

  #checkDevice(id: string, path: Path, severity: Problem['severity'], writes = false): void {
    const { devices } = this.#around;
    if (devices === undefined) return;
    const found = devices.find((one) => one.id === id);
    if (found === undefined) {
      const ids = devices.map((one) => one.id);
      const all = ids.length === 0 ? 'No devices are declared.' : `Devices: ${ids.slice(0, 20).join(', ')}.`;
      this.#add(severity, path, `there is no device "${id}"`, didYouMean(id, ids) ?? all);
    } else if (writes && !found.writable) {
      const switches = devices.filter((one) => one.writable).map((one) => one.id);
      const hint =
        switches.length === 0 ? undefined : `These can be set: ${switches.slice(0, 20).join(', ')}.`;
      this.#add('error', path, `the device "${id}" can be read only`, hint);
    }
  }

  #checkWorkflow(name: string, path: Path): void {
    const { workflows } = this.#around;
    if (workflows === undefined || workflows.includes(name) || name === this.#definition.name) return;
    const hint = didYouMean(name, workflows) ?? 'Add it before this one runs: chainbot workflows add FILE.';
    this.#add('warning', path, `there is no workflow "${name}" yet`, hint);
  }

  /** A field that names a secret, or several. */
  #checkSecrets(named: Json | undefined, path: Path): void {
    for (const name of Array.isArray(named) ? named : [named]) {
      if (typeof name === 'string' && !hasExpression(name)) this.#checkSecret(name, path);
    }
  }

  #checkSecret(name: string, path: Path): void {
    const { secrets } = this.#around;
    if (secrets === undefined || secrets.includes(name)) return;
    const hint = didYouMean(name, secrets) ?? `Set it before this runs: chainbot secrets set ${name}`;
    this.#add('warning', path, `there is no secret "${name}" yet`, hint);
  }

  #checkTriggers(): void {
    const { triggers } = this.#definition;
    if (!Array.isArray(triggers)) return;
    for (const [i, trigger] of triggers.entries()) {
      if (!isJsonObject(trigger)) continue;
      for (const field of ['secret', 'token']) this.#checkSecrets(trigger[field], ['triggers', i, field]);
      if (typeof trigger.event === 'string') this.#checkEvent(trigger.event, ['triggers', i, 'event']);
      if (trigger.type === 'device' && typeof trigger.device === 'string') {
        this.#checkDevice(trigger.device, ['triggers', i, 'device'], 'error');
      }
    }
  }

  /** Others may publish what they like; what begins with `chainbot.` is ours and known. */
  #checkEvent(event: string, path: Path): void {
    if (!event.startsWith('chainbot.')) return;
    const { events } = this.#around;
    const start = event.endsWith('*') ? event.slice(0, -1) : undefined;
    const found = start === undefined ? events.includes(event) : events.some((one) => one.startsWith(start));
    if (found) return;
    const hint = didYouMean(event, events) ?? 'The events stand in docs/events.md.';
    this.#add('warning', path, `ChainBot has no event "${event}"`, hint);
  }
}

/** The bare expressions of a text or a condition. */
function textsOf({ kind, text }: Sighting): readonly string[] {
  const parts = quietly(splitTemplate)(text);
  const inBraces = parts.flatMap((part) => ('expression' in part ? [part.expression] : []));
  return inBraces.length === 0 && kind === 'condition' ? [text] : inBraces;
}

const secretsIn = (text: string): readonly string[] => [...compileExpression(text).references.secrets];

function readerOf({ kind, text, path }: Sighting): {
  readonly path: Path;
  readonly steps: ReadonlySet<string>;
} {
  const compile = kind === 'condition' ? compileExpression : compileTemplate;
  const [references] = quietly((one: string) => [compile(one).references])(text);
  return { path, steps: references?.steps ?? new Set() };
}

/** What cannot be read has its fault already. */
function quietly<T>(read: (text: string) => readonly T[]): (text: string) => readonly T[] {
  return (text) => {
    try {
      return read(text);
    } catch {
      return [];
    }
  };
}
