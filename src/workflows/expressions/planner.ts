import { didYouMean } from '#core/near-names.ts';
import { element, member, revealed, rootValue, stepValue } from './access.ts';
import { EvalFailure, SyntaxFault } from './failure.ts';
import type { Node } from './frame.ts';
import { FUNCTIONS, type FunctionSpec } from './functions.ts';
import {
  callNode,
  conditional,
  fold,
  notStrictlyFalse,
  orMissing,
  present,
  shortCircuit,
  unary,
} from './nodes.ts';
import { BINARY } from './operators.ts';
import { LOOP_ALIAS } from './scan.ts';
import type { References } from './scope.ts';
import type { Call, Comprehension, Constant, Expr, Select, Struct, Syntax } from './syntax.ts';
import { Bytes, setOwn, typeOf, type Value } from './value.ts';

/**
 * Turns a syntax tree into closures that read JSON in place. The parser is @bufbuild/cel's; its evaluator
 * is not used, because it copies every object it passes, counts in two kinds of number and has no bound on
 * work. That both agree where they can is tested (conformance.test.ts).
 *
 * P1. A plan never changes a value of the scope: the only list it writes to is the one a `map` or `filter`
 *     has just made and nobody has seen.
 * P2. Whatever repeats charges the frame before it does; the body of a comprehension costs its nodes.
 * P3. Recursion is bounded by the tree, and the tree's depth here.
 */
export interface Plan {
  readonly node: Node;
  readonly references: References;
}

const DEEPEST_TREE = 250;
const DEEPEST_COMPREHENSION = 3;

/** @throws SyntaxFault */
export function planSyntax(syntax: Syntax): Plan {
  const planner = new Planner(syntax);
  const node = planner.plan(syntax.expr);
  const { roots, steps, secrets } = planner;
  return { node, references: { roots, steps, secrets } };
}

interface Variable {
  readonly name: string;
  readonly slot: number;
  /** The result a comprehension builds, which only its macro can name. */
  readonly accumulates: boolean;
}

class Planner {
  readonly roots = new Set<string>();
  readonly steps = new Set<string>();
  readonly secrets = new Set<string>();
  readonly #syntax: Syntax;
  readonly #variables: Variable[] = [];
  #depth = 0;
  #comprehensions = 0;
  #nodes = 0;

  constructor(syntax: Syntax) {
    this.#syntax = syntax;
  }

  plan(expr: Expr): Node {
    if (++this.#depth > DEEPEST_TREE) {
      this.#fault(expr, 'the expression is too long or nests too deeply', 'Split it in several steps.');
    }
    this.#nodes++;
    const node = this.#planKind(expr);
    this.#depth--;
    return node;
  }

  #planKind(expr: Expr): Node {
    const kind = expr.exprKind;
    switch (kind.case) {
      case 'constExpr':
        return this.#constant(expr, kind.value);
      case 'identExpr':
        return this.#name(expr, kind.value.name);
      case 'selectExpr':
        return this.#select(expr, kind.value);
      case 'callExpr':
        return this.#call(expr, kind.value);
      case 'listExpr':
        return this.#list(kind.value.elements);
      case 'structExpr':
        return this.#map(expr, kind.value);
      case 'comprehensionExpr':
        return this.#comprehension(expr, kind.value);
      default:
        return this.#fault(expr, 'this is not an expression');
    }
  }

  #fault(expr: Expr, message: string, hint?: string): never {
    throw new SyntaxFault(message, this.#syntax.offsetOf(expr), hint);
  }

  #constant(expr: Expr, constant: Constant): Node {
    const kind = constant.constantKind;
    if (kind.case === 'nullValue') return () => null;
    if (kind.case === 'bytesValue') {
      const bytes = new Bytes(kind.value);
      return () => bytes;
    }
    const value = typeof kind.value === 'bigint' ? Number(kind.value) : (kind.value as Value);
    if (typeof kind.value === 'bigint' && !Number.isSafeInteger(value)) {
      this.#fault(expr, `${kind.value} is beyond what a JSON number holds exactly`, 'Write it as a string.');
    }
    if (typeof value === 'number' && !Number.isFinite(value)) this.#fault(expr, 'the number is too large');
    return () => value;
  }

  #variable(name: string): Variable | undefined {
    return this.#variables.findLast((variable) => variable.name === name);
  }

  #name(expr: Expr, name: string): Node {
    const variable = this.#variable(name);
    if (variable !== undefined) return readSlot(variable);
    const root = name.replace(/^\./, '').replace(LOOP_ALIAS, 'loop');
    this.roots.add(root);
    if (root === 'steps') {
      this.#fault(expr, 'steps cannot be used as a whole', 'Name one: steps.<id>.output.');
    }
    return (frame) => rootValue(frame.scope, root);
  }

  /** Is this the name `steps`, and not a variable of a `map` that is called so? */
  #isSteps(expr: Expr | undefined): boolean {
    return (
      expr?.exprKind.case === 'identExpr' &&
      expr.exprKind.value.name === 'steps' &&
      this.#variable('steps') === undefined
    );
  }

  #step(id: string): Node {
    this.roots.add('steps');
    this.steps.add(id);
    return (frame) => stepValue(frame.scope, id);
  }

  #select(expr: Expr, select: Select): Node {
    const operand = select.operand as Expr;
    const key = select.field;
    if (this.#isSteps(operand)) return present(this.#step(key), select.testOnly);
    const value = this.plan(operand);
    const path = pathOf(operand);
    this.#refuseTypeName(expr, select);
    return present((frame) => member(value(frame), key, path), select.testOnly);
  }

  #refuseTypeName(expr: Expr, select: Select): void {
    const operand = select.operand?.exprKind;
    if (operand?.case !== 'identExpr' || this.#variable(operand.value.name)) return;
    const name = `${operand.value.name}.${select.field}`;
    if (FUNCTIONS.has(name)) this.#fault(expr, `${name} is a function`, `Write ${name}(…).`);
  }

  #call(expr: Expr, call: Call): Node {
    const name = call.function;
    const binary = BINARY.get(name);
    if (binary !== undefined) {
      const appended = this.#append(call);
      if (appended !== undefined) return appended;
      const [left, right] = this.#planAll(call.args) as [Node, Node];
      return (frame) => binary(frame, left(frame), right(frame));
    }
    switch (name) {
      case '_&&_':
        return shortCircuit(this.#planAll(call.args), false, '&&');
      case '_||_':
        return shortCircuit(this.#planAll(call.args), true, '||');
      case '_?_:_':
        return conditional(this.#planAll(call.args) as [Node, Node, Node]);
      case '_[_]':
        return this.#index(call);
      case '!_':
      case '-_':
        return unary(name, this.#planAll(call.args)[0] as Node);
      case '@not_strictly_false':
        return notStrictlyFalse(this.#planAll(call.args)[0] as Node);
      default:
        return this.#function(expr, call);
    }
  }

  #planAll(exprs: readonly Expr[]): Node[] {
    return exprs.map((expr) => this.plan(expr));
  }

  /** `accumulator + [x]`, as `map` and `filter` expand to: adds to the list in place (P1). */
  #append(call: Call): Node | undefined {
    const [left, right] = call.args;
    if (call.function !== '_+_' || left?.exprKind.case !== 'identExpr') return undefined;
    const variable = this.#variable(left.exprKind.value.name);
    const elements = right?.exprKind.case === 'listExpr' ? right.exprKind.value.elements : [];
    if (!variable?.accumulates || elements.length !== 1) return undefined;
    const made = this.plan(elements[0] as Expr);
    return (frame) => {
      const list = frame.slots[variable.slot] as Value[];
      list.push(made(frame));
      return list;
    };
  }

  #index(call: Call): Node {
    const [operand, index] = call.args as [Expr, Expr];
    const constant = index.exprKind.case === 'constExpr' ? index.exprKind.value.constantKind : undefined;
    if (this.#isSteps(operand)) {
      if (constant?.case !== 'stringValue') this.#fault(operand, 'a step is named by its id', 'steps.<id>');
      return this.#step(constant?.value as string);
    }
    const value = this.plan(operand);
    const at = this.plan(index);
    const path = pathOf(operand);
    return (frame) => element(value(frame), at(frame), path);
  }

  #function(expr: Expr, call: Call): Node {
    const { name, args } = this.#resolve(call);
    if (name === 'secret') return this.#secret(expr, args);
    if (name === 'has' || name === 'default') return this.#lenient(expr, name, args);
    const spec = FUNCTIONS.get(name);
    if (spec === undefined) {
      const hint = didYouMean(name, FUNCTIONS.keys()) ?? 'The functions are listed in docs/expressions.md.';
      return this.#fault(expr, MACROS.get(name) ?? `there is no function "${name}"`, hint);
    }
    if (args.length < spec.least || args.length > spec.most) {
      this.#fault(expr, `${name} takes ${countOf(spec)}, here are ${args.length}`, spec.usage);
    }
    this.#nodes += spec.cost;
    return callNode(spec, this.#planAll(args));
  }

  /** `f(x, y)`, `x.f(y)` and `base64.encode(x)` are the same thing said differently. */
  #resolve(call: Call): { name: string; args: readonly Expr[] } {
    if (call.target === undefined) return { name: call.function, args: call.args };
    const target = call.target.exprKind;
    if (target.case === 'identExpr' && this.#variable(target.value.name) === undefined) {
      const qualified = `${target.value.name}.${call.function}`;
      if (FUNCTIONS.has(qualified)) return { name: qualified, args: call.args };
    }
    return { name: call.function, args: [call.target, ...call.args] };
  }

  /** The name is written out, so that everybody can see which secrets a definition uses. */
  #secret(expr: Expr, args: readonly Expr[]): Node {
    const kind = args[0]?.exprKind;
    const constant = kind?.case === 'constExpr' ? kind.value.constantKind : undefined;
    if (args.length !== 1 || constant?.case !== 'stringValue') {
      this.#fault(expr, 'secret takes the name of one secret, in quotes', "secret('api_token')");
    }
    const name = constant?.value as string;
    this.secrets.add(name);
    return (frame) => revealed(frame.scope, name);
  }

  #lenient(expr: Expr, name: string, args: readonly Expr[]): Node {
    const wanted = name === 'has' ? 1 : 2;
    if (args.length !== wanted) {
      this.#fault(expr, `${name} takes ${wanted}, here are ${args.length}`, 'has(x.y), default(x.y, value)');
    }
    const [value, fallback] = this.#planAll(args) as [Node, Node];
    if (name === 'has') return present(value, true);
    return (frame) => orMissing(frame, value) ?? fallback(frame);
  }

  #list(elements: readonly Expr[]): Node {
    const nodes = this.#planAll(elements);
    return (frame) => nodes.map((node) => node(frame));
  }

  #map(expr: Expr, struct: Struct): Node {
    if (struct.messageName !== '') this.#fault(expr, `there is no type "${struct.messageName}"`);
    const entries = struct.entries.map((entry) => {
      const key = entry.keyKind.case === 'mapKey' ? entry.keyKind.value : expr;
      return [this.plan(key), this.plan(entry.value as Expr)] as const;
    });
    return (frame) => {
      const map: Record<string, Value> = {};
      for (const [keyNode, valueNode] of entries) {
        const key = keyNode(frame);
        if (typeof key !== 'string') {
          throw new EvalFailure(`a map's key is a string, not ${typeOf(key)}`, 'Write {"name": value}.');
        }
        if (Object.hasOwn(map, key)) throw new EvalFailure(`the key "${key}" stands twice in the map`);
        setOwn(map, key, valueNode(frame));
      }
      return map;
    };
  }

  #comprehension(expr: Expr, value: Comprehension): Node {
    const range = this.plan(value.iterRange as Expr);
    const initial = this.plan(value.accuInit as Expr);
    if (++this.#comprehensions > DEEPEST_COMPREHENSION) {
      const message = `map, filter, all and exists nest deeper than ${DEEPEST_COMPREHENSION}`;
      this.#fault(expr, message, 'Use a loop step, or a step before this one.');
    }
    const accuSlot = this.#variables.length;
    this.#variables.push({ name: value.accuVar, slot: accuSlot, accumulates: true });
    this.#variables.push({ name: value.iterVar, slot: accuSlot + 1, accumulates: false });
    const before = this.#nodes;
    const condition = this.plan(value.loopCondition as Expr);
    const step = this.plan(value.loopStep as Expr);
    const cost = this.#nodes - before;
    this.#variables.pop();
    const result = this.plan(value.result as Expr);
    this.#variables.pop();
    this.#comprehensions--;
    const tests = value.accuInit?.exprKind.case === 'constExpr' && isBoolean(value.accuInit.exprKind.value);
    return fold({ range, initial, condition, step, result, accuSlot, cost, tests });
  }
}

const isBoolean = (constant: Constant): boolean => constant.constantKind.case === 'boolValue';

const MACROS: ReadonlyMap<string, string> = new Map(
  ['map', 'filter', 'all', 'exists', 'exists_one'].map((name) => [
    name,
    `${name} is written list.${name}(x, …x…), with a name for the element first`,
  ]),
);

function countOf(spec: FunctionSpec): string {
  if (spec.least === spec.most) return `${spec.least}`;
  return spec.most === Number.POSITIVE_INFINITY ? `${spec.least} or more` : `${spec.least} to ${spec.most}`;
}

function pathOf(expr: Expr): string {
  const kind = expr.exprKind;
  if (kind.case === 'identExpr') return kind.value.name.replace(LOOP_ALIAS, 'loop');
  if (kind.case === 'selectExpr' && kind.value.operand) {
    return `${pathOf(kind.value.operand)}.${kind.value.field}`;
  }
  return 'the value';
}

function readSlot({ slot, accumulates }: Variable): Node {
  if (!accumulates) return (frame) => frame.slots[slot] as Value;
  return (frame) => {
    const value = frame.slots[slot];
    if (value instanceof EvalFailure) throw value;
    return value as Value;
  };
}
