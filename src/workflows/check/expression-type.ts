import { didYouMean } from '#core/near-names.ts';
import { LOOP_ALIAS } from '../expressions/scan.ts';
import { type Call, type Comprehension, type Expr, parseText, type Struct } from '../expressions/syntax.ts';
import { FUNCTION_TYPES } from './function-types.ts';
import {
  ANY,
  BOOLEAN,
  join,
  listOf,
  mapOf,
  NULL,
  NUMBER,
  STRING,
  typeName,
  type ValueType,
} from './value-type.ts';

/** What an expression can see, and who is told what is odd about it. */
export interface TypeEnv {
  /** The type of a top-level name; undefined: nothing is known of it. */
  root(name: string): ValueType | undefined;
  /** The type of `steps.<id>`. */
  step(id: string): ValueType;
  /** Paths (`input.note`) that `has()` asks for somewhere: they are known to be missing at times. */
  readonly tested: ReadonlySet<string>;
  report(message: string, hint?: string): void;
  /** A device's id that an expression compares with. */
  device(id: string): void;
}

/** The type of a bare expression that is known to be readable. */
export function expressionType(text: string, env: TypeEnv): ValueType {
  return new Typer(env).of(parseText(text).expr);
}

/** The paths that `has(…)` asks for in a bare expression. */
export function testedPaths(text: string): readonly string[] {
  const found: string[] = [];
  const silent: TypeEnv = {
    root: () => undefined,
    step: () => ANY,
    tested: new Set(),
    report: () => undefined,
    device: () => undefined,
  };
  new Typer(silent, (path) => found.push(path)).of(parseText(text).expr);
  return found;
}

class Typer {
  readonly #env: TypeEnv;
  readonly #onTested: (path: string) => void;
  readonly #variables: (readonly [string, ValueType])[] = [];
  /** Inside has() and default() a value may be missing. */
  #lenient = 0;

  constructor(env: TypeEnv, onTested: (path: string) => void = () => undefined) {
    this.#env = env;
    this.#onTested = onTested;
  }

  of(expr: Expr | undefined): ValueType {
    const kind = expr?.exprKind;
    switch (kind?.case) {
      case 'constExpr': {
        const { case: type, value } = kind.value.constantKind;
        if (type === 'nullValue') return NULL;
        if (typeof value === 'bigint' || typeof value === 'number') return NUMBER;
        return typeof value === 'string' ? STRING : typeof value === 'boolean' ? BOOLEAN : ANY;
      }
      case 'identExpr':
        return this.#name(kind.value.name);
      case 'selectExpr':
        return this.#select(expr as Expr, kind.value.operand, kind.value.field, kind.value.testOnly);
      case 'callExpr':
        return this.#call(expr as Expr, kind.value);
      case 'listExpr': {
        const types = kind.value.elements.map((element) => this.of(element));
        return listOf(types.length === 0 ? ANY : types.reduce(join));
      }
      case 'structExpr':
        return this.#map(kind.value.entries);
      case 'comprehensionExpr':
        return this.#comprehension(kind.value);
      default:
        return ANY;
    }
  }

  #name(name: string): ValueType {
    const variable = this.#variables.findLast(([one]) => one === name);
    if (variable !== undefined) return variable[1];
    return this.#env.root(plainName(name)) ?? ANY;
  }

  #select(expr: Expr, operand: Expr | undefined, field: string, testOnly: boolean): ValueType {
    if (this.#isSteps(operand)) return testOnly ? BOOLEAN : this.#env.step(field);
    if (testOnly) {
      this.#onTested(`${textOf(operand)}.${field}`);
      this.#lenient++;
      this.#member(this.of(operand), field, expr, operand);
      this.#lenient--;
      return BOOLEAN;
    }
    return this.#member(this.of(operand), field, expr, operand);
  }

  #isSteps(expr: Expr | undefined): boolean {
    const kind = expr?.exprKind;
    return (
      kind?.case === 'identExpr' &&
      kind.value.name === 'steps' &&
      !this.#variables.some(([name]) => name === 'steps')
    );
  }

  #member(holder: ValueType, field: string, expr: Expr, operand: Expr | undefined): ValueType {
    const path = textOf(operand);
    if (holder.kind === 'any') return ANY;
    if (holder.kind !== 'map') {
      const hint =
        holder.kind === 'list' ? `Pick one, ${path}[0], or map them: ${path}.map(x, x.${field}).` : undefined;
      this.#env.report(`${path} is ${typeName(holder)}, it has no "${field}"`, hint);
      return ANY;
    }
    const found = holder.fields.get(field);
    if (found === undefined) {
      if (holder.others !== undefined) return holder.others;
      const names = [...holder.fields.keys()];
      const all = names.length === 0 ? 'It is empty.' : `It has ${names.slice(0, 20).join(', ')}.`;
      const below = holder.fields.get('output')?.type;
      const meant =
        below?.kind === 'map' && below.fields.has(field)
          ? `Did you mean ${path}.output.${field}?`
          : undefined;
      this.#env.report(`${path} has no "${field}"`, meant ?? didYouMean(field, names) ?? all);
      return ANY;
    }
    const whole = textOf(expr);
    if (found.optional && this.#lenient === 0 && !this.#env.tested.has(whole)) {
      const hint = `Write default(${whole}, …), or give it a default in the schema.`;
      this.#env.report(`${whole} may be missing: it is not required and has no default`, hint);
    }
    return found.type;
  }

  #call(expr: Expr, call: Call): ValueType {
    const args = call.target === undefined ? call.args : [call.target, ...call.args];
    const name = call.function;
    if (name === 'has' || name === 'default') return this.#leniently(name, args);
    if (name === '_[_]') return this.#index(expr, args);
    if (name === '_?_:_') {
      this.#wantsBoolean(args[0], '?:');
      return join(this.of(args[1]), this.of(args[2]));
    }
    if (name === '_&&_' || name === '_||_' || name === '!_') {
      for (const arg of args) this.#wantsBoolean(arg, name.replaceAll('_', ''));
      return BOOLEAN;
    }
    const types = args.map((arg) => this.of(arg));
    if (name.startsWith('_') || name === '@in' || name === '-_') return this.#operator(name, types, args);
    return FUNCTION_TYPES.get(name) ?? ANY;
  }

  #leniently(name: string, [first, second]: readonly Expr[]): ValueType {
    this.#lenient++;
    const type = this.of(first);
    this.#lenient--;
    if (name === 'has') {
      this.#onTested(textOf(first));
      return BOOLEAN;
    }
    const other = this.of(second);
    return type.kind === 'null' ? other : join(type, other);
  }

  #index(expr: Expr, [holder, index]: readonly Expr[]): ValueType {
    const kind = index?.exprKind;
    const key = kind?.case === 'constExpr' && kind.value.constantKind.case === 'stringValue';
    if (key) {
      const field = kind.value.constantKind.value as string;
      if (this.#isSteps(holder)) return this.#env.step(field);
      return this.#member(this.of(holder), field, expr, holder);
    }
    this.of(index);
    if (this.#isSteps(holder)) return ANY;
    const type = this.of(holder);
    return type.kind === 'list' ? type.of : type.kind === 'map' ? (type.others ?? ANY) : ANY;
  }

  #wantsBoolean(expr: Expr | undefined, where: string): void {
    const type = this.of(expr);
    if (type.kind === 'any' || type.kind === 'boolean') return;
    this.#env.report(
      `${where} wants true or false, and ${textOf(expr)} is ${typeName(type)}`,
      'Compare: x > 0, x != "".',
    );
  }

  #operator(name: string, [left = ANY, right = ANY]: ValueType[], args: readonly Expr[]): ValueType {
    const sign = name.replaceAll('_', '').replace('@', '');
    const known = left.kind !== 'any' && right.kind !== 'any';
    const pair = `${textOf(args[0])} is ${typeName(left)} and ${textOf(args[1])} is ${typeName(right)}`;
    if (sign === '==' || sign === '!=') {
      this.#comparesDevice(args);
      // null is what people ask for in order to see whether something is there.
      if (known && left.kind !== right.kind && left.kind !== 'null' && right.kind !== 'null') {
        this.#env.report(`this is always ${sign === '!='}: ${pair}`);
      }
      return BOOLEAN;
    }
    if (['<', '<=', '>', '>='].includes(sign)) {
      const ordered = ['number', 'string', 'boolean'].includes(left.kind);
      if (known && (left.kind !== right.kind || !ordered)) {
        this.#env.report(`${sign} cannot compare: ${pair}`, 'Convert one side: double("3.5"), string(x).');
      }
      return BOOLEAN;
    }
    if (sign === 'in') return BOOLEAN;
    return this.#arithmetic(sign, left, right, pair);
  }

  #arithmetic(sign: string, left: ValueType, right: ValueType, pair: string): ValueType {
    const kinds = [left.kind, right.kind];
    if (kinds.includes('any')) return ANY;
    if (left.kind === 'number' && right.kind === 'number') return NUMBER;
    if (sign === '+' && left.kind === 'list' && right.kind === 'list') return join(left, right);
    const joins = kinds.every((kind) => ['string', 'number', 'boolean'].includes(kind));
    if (sign === '+' && kinds.includes('string') && joins) return STRING;
    this.#env.report(`${sign} does not work: ${pair}`, 'Convert one side: double("3.5"), string(x).');
    return ANY;
  }

  /** `trigger.event.data.device == "fan"`: the text is a device's id. */
  #comparesDevice([left, right]: readonly Expr[]): void {
    for (const [one, other] of [
      [left, right],
      [right, left],
    ]) {
      const literal = one?.exprKind.case === 'constExpr' ? one.exprKind.value.constantKind : undefined;
      if (literal?.case === 'stringValue' && /\.data\.device$/.test(textOf(other)))
        this.#env.device(literal.value);
    }
  }

  #map(entries: Struct['entries']): ValueType {
    const fields: Record<string, ValueType> = {};
    let plain = true;
    for (const { keyKind, value } of entries) {
      const type = this.of(value);
      const key = keyKind.case === 'mapKey' ? keyKind.value.exprKind : undefined;
      const name = key?.case === 'constExpr' ? key.value.constantKind : undefined;
      if (name?.case === 'stringValue') fields[name.value] = type;
      else plain = false;
    }
    return plain ? mapOf(fields) : ANY;
  }

  #comprehension(fold: Comprehension): ValueType {
    const range = this.of(fold.iterRange);
    const item = range.kind === 'list' ? range.of : range.kind === 'map' ? STRING : ANY;
    if (range.kind !== 'any' && range.kind !== 'list' && range.kind !== 'map') {
      this.#env.report(
        `${textOf(fold.iterRange)} is ${typeName(range)}: there is nothing in it to go through`,
      );
    }
    const initial = this.of(fold.accuInit);
    this.#variables.push([fold.iterVar, item], [fold.accuVar, ANY]);
    this.of(fold.loopCondition);
    this.of(fold.loopStep);
    const result = this.of(fold.result);
    this.#variables.length -= 2;
    if (result.kind !== 'any') return result;
    return initial.kind === 'list' ? listOf(ANY) : initial;
  }
}

const plainName = (name: string): string => name.replace(/^\./, '').replace(LOOP_ALIAS, 'loop');

/** An expression's path as people write it; `it` for what has none. */
function textOf(expr: Expr | undefined): string {
  const kind = expr?.exprKind;
  if (kind?.case === 'identExpr') return plainName(kind.value.name);
  if (kind?.case === 'selectExpr') return `${textOf(kind.value.operand)}.${kind.value.field}`;
  if (kind?.case === 'constExpr') {
    const { value } = kind.value.constantKind;
    if (typeof value === 'string') return JSON.stringify(value);
    return value === null || kind.value.constantKind.case === 'nullValue' ? 'null' : String(value);
  }
  if (kind?.case === 'callExpr') {
    const [first, second] = kind.value.args;
    if (kind.value.function === '_[_]') return `${textOf(first)}[${textOf(second)}]`;
    if (/^\w+$/.test(kind.value.function)) return `${kind.value.function}(…)`;
  }
  return 'it';
}
