import type { StepType } from '../port.ts';

/** The step types that are registered; the control steps (condition, loop, …) are not among them. */
export interface StepTypes {
  get(type: string): StepType | undefined;
  /** All names, for messages. */
  types(): readonly string[];
}

/** A fixed registry. A type registered twice is a mistake of ours and throws. */
export function stepTypes(list: readonly StepType[]): StepTypes {
  const byName = new Map<string, StepType>();
  for (const type of list) {
    if (byName.has(type.type)) throw new Error(`step type ${type.type} is registered twice`);
    byName.set(type.type, type);
  }
  const names = Object.freeze([...byName.keys()]);
  return { get: (type) => byName.get(type), types: () => names };
}
