import { EvalFailure } from './failure.ts';
import type { Frame, Node } from './frame.ts';
import type { FunctionSpec } from './functions.ts';
import { bool, negate } from './operators.ts';
import { isList, isMap, typeOf, type Value } from './value.ts';

/** The closures that a plan is made of, where they do more than read a value. */

/** An error thrown and looked past costs about this many nodes. */
const FAILURE_COST = 20;

export function present(node: Node, testOnly: boolean): Node {
  if (!testOnly) return node;
  return (frame) => orMissing(frame, node) !== undefined;
}

/** The value, or undefined where it is missing. */
export function orMissing(frame: Frame, node: Node): Value | undefined {
  try {
    return node(frame);
  } catch (error) {
    if (!(error instanceof EvalFailure) || !error.missing) throw error;
    frame.charge(FAILURE_COST);
    return undefined;
  }
}

export function callNode(spec: FunctionSpec, args: readonly Node[]): Node {
  const { call } = spec;
  const [first, second] = args;
  if (first !== undefined && args.length === 1) return (frame) => call(frame, [first(frame)]);
  if (first !== undefined && second !== undefined && args.length === 2) {
    return (frame) => call(frame, [first(frame), second(frame)]);
  }
  return (frame) =>
    call(
      frame,
      args.map((arg) => arg(frame)),
    );
}

export function unary(name: string, operand: Node): Node {
  if (name === '-_') return (frame) => negate(operand(frame));
  return (frame) => !bool(operand(frame), '!');
}

export function conditional([test, yes, no]: [Node, Node, Node]): Node {
  return (frame) => (bool(test(frame), '?:') ? yes(frame) : no(frame));
}

/**
 * `&&` and `||` as CEL has them: a side that decides wins over a side that fails, whatever the order.
 * `decides` is the value that ends it: false for &&, true for ||.
 */
export function shortCircuit(operands: readonly Node[], decides: boolean, where: string): Node {
  return (frame) => {
    let failure: EvalFailure | undefined;
    for (const operand of operands) {
      try {
        if (bool(operand(frame), where) === decides) return decides;
      } catch (error) {
        if (!(error instanceof EvalFailure)) throw error;
        frame.charge(FAILURE_COST);
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return !decides;
  };
}

export function notStrictlyFalse(operand: Node): Node {
  return (frame) => {
    try {
      return operand(frame) !== false;
    } catch (error) {
      if (error instanceof EvalFailure) return true;
      throw error;
    }
  };
}

/** A comprehension, planned. */
export interface Fold {
  readonly range: Node;
  readonly initial: Node;
  readonly condition: Node;
  readonly step: Node;
  readonly result: Node;
  readonly accuSlot: number;
  /** Work of one step. */
  readonly cost: number;
  /** `all` and `exists`: a failing element is kept until one decides. */
  readonly tests: boolean;
}

export function fold({ range, initial, condition, step, result, accuSlot, cost, tests }: Fold): Node {
  return (frame) => {
    const items = elementsOf(range(frame));
    frame.slots[accuSlot] = initial(frame);
    for (const item of items) {
      frame.charge(cost);
      frame.slots[accuSlot + 1] = item;
      if (condition(frame) !== true) break;
      frame.slots[accuSlot] = tests ? stepOrFailure(frame, step) : step(frame);
    }
    return result(frame);
  };
}

function stepOrFailure(frame: Frame, step: Node): unknown {
  try {
    return step(frame);
  } catch (error) {
    if (!(error instanceof EvalFailure)) throw error;
    frame.charge(FAILURE_COST);
    return error;
  }
}

function elementsOf(range: Value): readonly Value[] {
  if (isList(range)) return range;
  if (isMap(range)) return Object.keys(range);
  throw new EvalFailure(`map and filter want a list or a map, not ${typeOf(range)}`);
}
