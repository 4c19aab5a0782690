import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { Path } from '../definition/faults.ts';
import { innerLists } from '../definition/step-ids.ts';
import type { StepTypes } from '../definition/step-types.ts';
import { hasExpression, splitTemplate } from '../expressions/scan.ts';
import { expressionType, type TypeEnv } from './expression-type.ts';
import {
  ANY,
  BOOLEAN,
  join,
  listOf,
  mapOf,
  NULL,
  NUMBER,
  STRING,
  typeOfLiteral,
  typeOfSchema,
  type ValueType,
} from './value-type.ts';

/** A step as it is written, with its place. */
export interface WrittenStep {
  readonly id: string;
  readonly type: string;
  readonly fields: JsonObject;
  readonly path: Path;
}

/** Every step of a definition, those in other steps too, in the order they are written. */
export function* writtenSteps(definition: JsonObject): Generator<WrittenStep> {
  function* walk(list: readonly unknown[], path: Path): Generator<WrittenStep> {
    for (const [i, step] of list.entries()) {
      if (!isJsonObject(step as Json)) continue;
      const fields = step as JsonObject;
      const at = [...path, i];
      yield { id: String(fields.id), type: String(fields.type), fields, path: at };
      for (const [inner, innerPath] of innerLists(fields, at)) yield* walk(inner, innerPath);
    }
  }
  for (const name of ['steps', 'on_error']) {
    const list = definition[name];
    if (Array.isArray(list)) yield* walk(list, [name]);
  }
}

const RUN = mapOf({ id: STRING, workflow: STRING, version: NUMBER, started_at: STRING, actor: STRING });
const EVENT = mapOf({ type: STRING, subject: STRING, actor: STRING, time: STRING, seq: NUMBER, data: ANY });
const APPROVAL = mapOf({ approved: BOOLEAN, by: ANY, comment: ANY, at: STRING, expired: BOOLEAN });
/** Not the id of a step. */
const VARS = '(vars)';
const silent = (): void => undefined;

/** What the values of a definition are, as far as its text says; asked by place. */
export class Outline {
  readonly steps: ReadonlyMap<string, WrittenStep>;
  readonly #stepTypes: StepTypes;
  readonly #input: ValueType;
  readonly #vars: Json | undefined;
  /** What the `set` steps give vars. */
  readonly #sets: readonly (Json | undefined)[];
  readonly #tested: ReadonlySet<string>;
  readonly #outputs = new Map<string, ValueType>();
  /** Steps whose output is being worked out: a loop may ask for the round before. */
  readonly #open = new Set<string>();

  constructor(definition: JsonObject, stepTypes: StepTypes, tested: ReadonlySet<string>) {
    this.steps = new Map([...writtenSteps(definition)].map((step) => [step.id, step]));
    this.#stepTypes = stepTypes;
    this.#input = definition.input === undefined ? ANY : typeOfSchema(definition.input);
    this.#vars = definition.vars;
    this.#sets = [...this.steps.values()]
      .filter(({ type }) => type === 'set')
      .map(({ fields }) => fields.vars);
    this.#tested = tested;
  }

  /** What an expression at a place sees; `report` hears what is odd about it. */
  env(path: Path, report: TypeEnv['report'] = silent, device: TypeEnv['device'] = silent): TypeEnv {
    return {
      root: (name) => this.#root(name, path),
      step: (id) => mapOf({ output: this.output(id), status: STRING, error: ANY }),
      tested: this.#tested,
      report,
      device,
    };
  }

  /** The type of a step's output. */
  output(id: string): ValueType {
    const known = this.#outputs.get(id);
    if (known !== undefined) return known;
    const step = this.steps.get(id);
    if (step === undefined || this.#open.has(id)) return ANY;
    this.#open.add(id);
    const type = this.#outputOf(step);
    this.#open.delete(id);
    this.#outputs.set(id, type);
    return type;
  }

  /** The type of any value with templates in it, at a place. */
  typeOf(value: Json | undefined, path: Path): ValueType {
    if (typeof value === 'string') return hasExpression(value) ? this.#textType(value, path) : STRING;
    if (Array.isArray(value)) {
      return listOf(value.length === 0 ? ANY : value.map((one) => this.typeOf(one, path)).reduce(join));
    }
    if (!isJsonObject(value)) return value === undefined ? ANY : typeOfLiteral(value);
    return mapOf(
      Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.typeOf(one, path)])),
    );
  }

  #textType(text: string, path: Path): ValueType {
    try {
      const parts = splitTemplate(text).filter((part) => 'expression' in part || part.text.trim() !== '');
      const [only] = parts;
      if (parts.length !== 1 || only === undefined || !('expression' in only)) return STRING;
      return expressionType(only.expression, this.env(path));
    } catch {
      return ANY; // its fault is told elsewhere
    }
  }

  #root(name: string, path: Path): ValueType | undefined {
    if (name === 'input') return this.#input;
    if (name === 'run') return RUN;
    if (name === 'event' && path.at(-1) === 'where') return EVENT;
    if (name === 'vars') return this.#varsType();
    const around = this.#loopsAround(path).toReversed();
    if (name === 'loop') return around.length === 0 ? undefined : this.#loopType(around);
    const named = around.find((loop) => loop.fields.as === name);
    return named && this.#itemType(named);
  }

  /** The vars of the definition and all that `set` may have added by then. */
  #varsType(): ValueType {
    if (this.#open.has(VARS)) return ANY;
    this.#open.add(VARS);
    const written = [this.#vars, ...this.#sets].filter(isJsonObject);
    const types: Record<string, ValueType> = {};
    for (const [name, value] of written.flatMap((one) => Object.entries(one))) {
      const type = this.typeOf(value, ['vars']);
      types[name] = name in types ? join(types[name] as ValueType, type) : type;
    }
    this.#open.delete(VARS);
    return mapOf(types);
  }

  /** The loops whose rounds this place is in, the outermost first. A `while` is asked inside, too. */
  #loopsAround(path: Path): readonly WrittenStep[] {
    return [...this.steps.values()].filter(({ type, path: at }) => {
      const part = path[at.length];
      return (
        type === 'loop' && (part === 'steps' || part === 'while') && at.every((key, i) => path[i] === key)
      );
    });
  }

  #loopType([loop, ...outer]: readonly WrittenStep[]): ValueType {
    if (loop === undefined) return NULL;
    return mapOf({
      index: NUMBER,
      item: this.#itemType(loop),
      first: BOOLEAN,
      last: BOOLEAN,
      count: loop.fields.while === undefined ? NUMBER : ANY,
      outer: outer.length === 0 ? ANY : this.#loopType(outer),
    });
  }

  #itemType({ fields, path }: WrittenStep): ValueType {
    if (fields.for_each === undefined) return NUMBER;
    const list = this.typeOf(fields.for_each, path);
    return list.kind === 'list' ? list.of : ANY;
  }

  #outputOf(step: WrittenStep): ValueType {
    const { type, fields, path } = step;
    const { output } = this.#stepTypes.get(type) ?? {};
    if (output !== undefined) return typeOfSchema(output);
    switch (type) {
      case 'transform':
        return this.typeOf(fields.value, path);
      case 'condition':
        return mapOf({ branch: STRING, output: join(this.#last(fields.then), this.#last(fields.else)) });
      case 'loop':
        return mapOf({ count: NUMBER, results: listOf(this.#last(fields.steps)) });
      case 'parallel':
        return this.#branches(fields.branches);
      case 'switch':
        return mapOf({ case: ANY, output: this.#cases(fields) });
      case 'try':
        return mapOf({ ok: BOOLEAN, output: ANY, error: ANY });
      case 'set':
        return this.typeOf(fields.vars, path);
      case 'approval':
        return APPROVAL;
      case 'run_workflow':
        return mapOf({ run: STRING, status: STRING, output: ANY });
      case 'wait':
        return fields.event !== undefined && fields.default === undefined ? EVENT : ANY;
      default:
        return ANY;
    }
  }

  #last(list: Json | undefined): ValueType {
    const last = Array.isArray(list) ? list.at(-1) : undefined;
    return isJsonObject(last) && typeof last.id === 'string' ? this.output(last.id) : ANY;
  }

  #cases(fields: JsonObject): ValueType {
    const cases = Array.isArray(fields.cases) ? (fields.cases as readonly Json[]) : [];
    const lists = cases.map((one) => (isJsonObject(one) ? one.steps : undefined));
    return [...lists, fields.default].map((list) => this.#last(list)).reduce(join);
  }

  #branches(branches: Json | undefined): ValueType {
    if (!isJsonObject(branches)) return ANY;
    return mapOf(
      Object.fromEntries(Object.entries(branches).map(([name, list]) => [name, this.#last(list)])),
    );
  }
}
