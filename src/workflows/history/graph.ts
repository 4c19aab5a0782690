import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { nodeOf } from '../definition/step-tree.ts';
import type { StepDefinition, WorkflowDefinition } from '../definition-port.ts';
import type { GraphEdge, GraphNode, GraphState } from '../history-port.ts';

/** Where a run can come from to get to the next step. */
interface Exit {
  readonly from: string;
  readonly label?: string | undefined;
  readonly kind?: GraphEdge['kind'];
}

interface Place {
  readonly parent: string;
  readonly part: string;
}

export const START = '(start)';
export const END = '(end)';

/** A definition as nodes and edges; `states` has what is known of steps by their ids. */
export function graphOf(
  definition: WorkflowDefinition,
  states: ReadonlyMap<string, GraphState> = new Map(),
): { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] } {
  const drawing = new Drawing(states);
  drawing.whole(definition);
  return drawing;
}

class Drawing {
  readonly nodes: GraphNode[] = [];
  readonly edges: GraphEdge[] = [];
  readonly #states: ReadonlyMap<string, GraphState>;

  constructor(states: ReadonlyMap<string, GraphState>) {
    this.#states = states;
  }

  whole(definition: WorkflowDefinition): void {
    this.nodes.push({ id: START, type: 'start' });
    const exits = this.#main(definition);
    const failed: Exit[] = [{ from: START, label: 'the run fails', kind: 'error' }];
    const handled = this.#list(definition.on_error ?? [], failed, undefined);
    this.nodes.push({ id: END, type: 'end' });
    this.#connect([...exits, ...(definition.on_error ? handled : [])], END);
  }

  #main({ mode, steps }: WorkflowDefinition): Exit[] {
    if (mode === 'sequential') return this.#list(steps, [{ from: START }], undefined);
    return steps.flatMap((step) => {
      const label = mode === 'conditional' ? labelOf(step.when ?? 'else') : undefined;
      return this.#step(step, [{ from: START, label }], undefined);
    });
  }

  #list(steps: readonly StepDefinition[], entries: readonly Exit[], place: Place | undefined): Exit[] {
    let exits = [...entries];
    for (const step of steps) exits = this.#step(step, exits, place);
    return exits;
  }

  #step(step: StepDefinition, entries: readonly Exit[], place: Place | undefined): Exit[] {
    const { id, type, name } = step;
    const state = this.#states.get(id);
    this.nodes.push({ id, type, ...(name !== undefined && { name }), ...place, ...(state && { state }) });
    this.#connect(entries, id);
    const { lists } = nodeOf(step);
    const { on_error, undo, ...parts } = Object.fromEntries(lists);
    const exits = this.#inside(step, new Map(Object.entries(parts)));
    if (on_error) exits.push(...this.#part(id, on_error, 'on_error', 'on error', 'error'));
    if (undo) this.#part(id, undo, 'undo', 'undo', 'undo');
    return exits;
  }

  #inside(step: StepDefinition, parts: ReadonlyMap<string, readonly StepDefinition[]>): Exit[] {
    const { id, type } = step;
    if (parts.size === 0) return [{ from: id }];
    if (type === 'try') return this.#try(id, parts);
    if (type === 'loop') {
      const back = this.#part(id, parts.get('steps') ?? [], 'steps', loopLabel(step));
      this.#connect(
        back.map((exit) => ({ ...exit, kind: 'back' })),
        id,
      );
      return [{ from: id, label: 'done' }];
    }
    const exits = [...parts].flatMap(([slot, steps]) => {
      const { part, label } = partOf(step, slot);
      return this.#part(id, steps, part, label);
    });
    if (type === 'condition' && !parts.has('else')) exits.push({ from: id, label: 'else' });
    if (type === 'switch' && !parts.has('default')) exits.push({ from: id, label: 'default' });
    return exits;
  }

  #try(id: string, parts: ReadonlyMap<string, readonly StepDefinition[]>): Exit[] {
    const exits = this.#part(id, parts.get('steps') ?? [], 'try');
    const caught = parts.get('catch');
    if (caught) exits.push(...this.#part(id, caught, 'catch', 'catch', 'error'));
    const last = parts.get('finally');
    return last ? this.#list(last, exits, { parent: id, part: 'finally' }) : exits;
  }

  #part(
    parent: string,
    steps: readonly StepDefinition[],
    part: string,
    label?: string,
    kind?: GraphEdge['kind'],
  ): Exit[] {
    return this.#list(steps, [{ from: parent, label, ...(kind && { kind }) }], { parent, part });
  }

  #connect(exits: readonly Exit[], to: string): void {
    for (const { from, label, kind = 'next' } of exits) {
      this.edges.push({ from, to, ...(label !== undefined && { label }), kind });
    }
  }
}

function partOf(step: StepDefinition, slot: string): { part: string; label: string } {
  const [field = slot, name = ''] = slot.split('/');
  if (field === 'branches') return { part: name, label: name };
  if (field !== 'cases') return { part: slot, label: slot };
  const one = (step.cases as readonly JsonObject[] | undefined)?.[Number(name)];
  return { part: name, label: labelOf(one?.when) };
}

function loopLabel(step: StepDefinition): string {
  if (step.while !== undefined) return `while ${labelOf(step.while)}`;
  return step.times === undefined ? 'each' : `${labelOf(step.times)} times`;
}

const LONGEST_LABEL = 60;

/** A condition or value on one short line. */
function labelOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(isJson(value) ? value : String(value));
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_LABEL ? `${line.slice(0, LONGEST_LABEL - 1)}…` : line;
}

function isJson(value: unknown): value is Json {
  return value === null || typeof value !== 'object' || Array.isArray(value) || isJsonObject(value);
}
