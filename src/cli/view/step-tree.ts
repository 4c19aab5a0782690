import type { StepAnswer } from '#api/contract/run.ts';

/** A step, a round or branch of one (`each/2`: no step of its own), or rounds that were left out. */
export type StepNode =
  | {
      readonly kind: 'node';
      readonly name: string;
      readonly step: StepAnswer | undefined;
      readonly children: readonly StepNode[];
    }
  | { readonly kind: 'folded'; readonly count: number };

interface Growing {
  step: StepAnswer | undefined;
  readonly children: Map<string, Growing>;
}

/** More rounds than this are folded: the first and last stay, and those where something happened. */
const MOST_ROUNDS = 6;
const KEPT_ENDS = 2;
const KEPT_EVENTFUL = 5;
const UNEVENTFUL = new Set(['completed', 'skipped']);

/** The steps of a run as the tree that their paths (`each/2/tell`) describe, in the order in which they began. */
export function stepTree(steps: readonly StepAnswer[], all: boolean): StepNode[] {
  const root: Growing = { step: undefined, children: new Map() };
  for (const step of steps) {
    if (!all && step.type === 'undo' && step.status === 'skipped') continue; // it was not needed
    let at = root;
    for (const segment of step.path.split('/')) {
      let child = at.children.get(segment);
      if (child === undefined) {
        child = { step: undefined, children: new Map() };
        at.children.set(segment, child);
      }
      at = child;
    }
    at.step = step;
  }
  return finish(root, all);
}

function finish(growing: Growing, all: boolean): StepNode[] {
  const entries = [...growing.children];
  const rounds = entries.every(([name, child]) => child.step === undefined && /^\d+$/.test(name));
  const keep = all || !rounds || entries.length <= MOST_ROUNDS ? undefined : keptRounds(entries);
  const nodes: StepNode[] = [];
  let folded = 0;
  const unfold = (): void => {
    if (folded > 0) nodes.push({ kind: 'folded', count: folded });
    folded = 0;
  };
  for (const [name, child] of entries) {
    if (keep !== undefined && !keep.has(name)) {
      folded += 1;
      continue;
    }
    unfold();
    nodes.push({ kind: 'node', name, step: child.step, children: finish(child, all) });
  }
  unfold();
  return nodes;
}

function keptRounds(entries: readonly (readonly [string, Growing])[]): ReadonlySet<string> {
  const eventful = entries.filter(([, child]) => isEventful(child)).slice(0, KEPT_EVENTFUL);
  const ends = [...entries.slice(0, KEPT_ENDS), ...entries.slice(-KEPT_ENDS)];
  return new Set([...ends, ...eventful].map(([name]) => name));
}

function isEventful(growing: Growing): boolean {
  const own = growing.step !== undefined && !UNEVENTFUL.has(growing.step.status);
  return own || growing.children.values().some(isEventful);
}
