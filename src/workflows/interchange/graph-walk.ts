import type { JsonObject } from '#core/json.ts';

/**
 * Turns a graph of nodes and wires into steps in lists. Ways that part and meet again become a condition or a
 * parallel, with what comes after the meeting point behind it; a wire that leads back is told and cut.
 */
export interface FlowGraph {
  /** The nodes that each output of a node leads to. */
  outputs(node: string): readonly (readonly string[])[];
}

/** What a node becomes; `data` is the expression for what it gives to the next. */
export type Made =
  | { readonly kind: 'plain'; readonly steps: readonly JsonObject[]; readonly data: string }
  | {
      readonly kind: 'choice';
      /** From the steps of each output. */
      readonly choose: (lists: readonly (readonly JsonObject[])[]) => JsonObject;
      readonly data: string;
      /** What the ways see. */
      readonly inside: string;
    }
  | {
      readonly kind: 'loop';
      readonly body: number;
      readonly done: number;
      readonly loop: (steps: readonly JsonObject[]) => JsonObject;
      readonly data: string;
      readonly inside: string;
    };

export interface NodeMaker {
  /** `data`: the expression for what comes in. */
  make(node: string, data: string): Made;
  parallelId(): string;
  /** A wire that cannot be followed. */
  cut(node: string, why: string): void;
}

const MOST_STEPS = 400;

export class GraphWalk {
  readonly #graph: FlowGraph;
  readonly #maker: NodeMaker;
  #made = 0;

  constructor(graph: FlowGraph, maker: NodeMaker) {
    this.#graph = graph;
    this.#maker = maker;
  }

  /** The steps from these nodes on, side by side when there are several. */
  from(nodes: readonly string[], data: string): readonly JsonObject[] {
    return this.#fan(nodes, data, new Set(), new Set()).steps;
  }

  #fan(
    nodes: readonly string[],
    data: string,
    stop: ReadonlySet<string>,
    above: ReadonlySet<string>,
  ): { readonly steps: readonly JsonObject[]; readonly data: string } {
    const open = [...new Set(nodes)].filter((node) => !stop.has(node));
    const [only] = open;
    if (only === undefined) return { steps: [], data };
    if (open.length === 1) return this.#line(only, data, stop, above);
    const meeting = this.#meeting(open, stop);
    const inner = meeting === undefined ? stop : new Set([...stop, meeting]);
    const lists = open
      .filter((node) => node !== meeting)
      .map((node) => this.#line(node, data, inner, above).steps)
      .filter((list) => list.length > 0);
    const [first, second] = lists;
    if (first === undefined)
      return meeting === undefined ? { steps: [], data } : this.#line(meeting, data, stop, above);
    const id = second === undefined ? undefined : this.#maker.parallelId();
    const branches = Object.fromEntries(lists.map((list, i) => [`way_${i + 1}`, list]));
    const step = { id, type: 'parallel', branches } as unknown as JsonObject;
    const steps = id === undefined ? first : [step];
    const after = id === undefined ? `steps.${String(first.at(-1)?.id)}.output` : `steps.${id}.output`;
    if (meeting === undefined) return { steps, data: after };
    const rest = this.#line(meeting, after, stop, above);
    return { steps: [...steps, ...rest.steps], data: rest.data };
  }

  #line(
    start: string,
    from: string,
    stop: ReadonlySet<string>,
    above: ReadonlySet<string>,
  ): { readonly steps: readonly JsonObject[]; readonly data: string } {
    const steps: JsonObject[] = [];
    const seen = new Set(above);
    let data = from;
    let at: string | undefined = start;
    while (at !== undefined && !stop.has(at)) {
      if (seen.has(at)) {
        this.#maker.cut(at, 'a wire leads back to it: make it a loop with `while`');
        break;
      }
      if (++this.#made > MOST_STEPS) {
        this.#maker.cut(at, `there are more than ${MOST_STEPS} steps`);
        break;
      }
      seen.add(at);
      const made = this.#maker.make(at, data);
      const outputs = this.#graph.outputs(at);
      data = made.data;
      if (made.kind === 'plain') {
        steps.push(...made.steps);
        const next = outputs.flat();
        if (next.length > 1) {
          const rest = this.#fan(next, data, stop, seen);
          return { steps: [...steps, ...rest.steps], data: rest.data };
        }
        at = next[0];
      } else if (made.kind === 'choice') {
        const meeting = this.#meeting(outputs.flat(), stop);
        const inner = meeting === undefined ? stop : new Set([...stop, meeting]);
        steps.push(made.choose(outputs.map((nodes) => this.#fan(nodes, made.inside, inner, seen).steps)));
        at = meeting;
      } else {
        const inner = new Set([...stop, at]);
        steps.push(made.loop(this.#fan(outputs[made.body] ?? [], made.inside, inner, seen).steps));
        const rest = this.#fan(outputs[made.done] ?? [], data, stop, seen);
        return { steps: [...steps, ...rest.steps], data: rest.data };
      }
    }
    return { steps, data };
  }

  /** The first node that every way leads to; undefined when they never meet. */
  #meeting(starts: readonly string[], stop: ReadonlySet<string>): string | undefined {
    const ways = [...new Set(starts)].map((start) => this.#reach(start, stop));
    const [first, ...others] = ways;
    if (first === undefined || others.length === 0) return undefined;
    return [...first].find((node) => others.every((way) => way.has(node)));
  }

  /** Every node from here on, the near ones first. */
  #reach(start: string, stop: ReadonlySet<string>): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [start];
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      if (found.has(at) || stop.has(at)) continue;
      found.add(at);
      waiting.push(...this.#graph.outputs(at).flat());
    }
    return found;
  }
}
