import { z } from 'zod';
import { TerminalError } from '#core/errors.ts';
import { type Json, toJsonText } from '#core/json.ts';
import type { ConcurrencyDefinition, RunPriority } from '../definition-port.ts';
import type { Scope } from '../expressions/scope.ts';
import type { Template } from '../expressions/template.ts';
import type { Faults } from './faults.ts';
import type { Sight, SightChecker } from './sight.ts';

/**
 * How many runs of a workflow at once, and what a further start does. A mode is a short word for the two:
 *
 *     single    one; a further start is refused     {max: 1, on_limit: skip}
 *     restart   one; a further start replaces it    {max: 1, on_limit: replace}
 *     queued    one; a further start waits          {max: 1, on_limit: queue}
 *     parallel  so many; a further start waits      {max: 10, on_limit: queue}
 */
const MODES = {
  single: { max: 1, on_limit: 'skip' },
  restart: { max: 1, on_limit: 'replace' },
  queued: { max: 1, on_limit: 'queue' },
  parallel: { max: 10, on_limit: 'queue' },
} as const satisfies Record<string, ConcurrencyDefinition>;

type Mode = keyof typeof MODES;
const mode = z.enum(Object.keys(MODES) as Mode[]);
const runs = z.int().min(1).max(1000);

export const concurrencyShape = z.union(
  [
    runs,
    mode,
    z.strictObject({
      mode: mode.optional(),
      max: runs.optional(),
      on_limit: z.enum(['queue', 'skip', 'replace']).optional(),
      max_queued: z.int().min(0).max(1_000_000).optional(),
      key: z.string().min(1).max(1000).optional(),
    }),
  ],
  {
    error:
      'must be a number of runs, one of single, restart, queued and parallel, or {mode, max, on_limit, max_queued, key}',
  },
);

export type ConcurrencyShape = z.infer<typeof concurrencyShape>;

/** `concurrency` ready to use. */
export interface CompiledConcurrency extends Omit<ConcurrencyDefinition, 'key'> {
  /** Runs with the same value of this are counted together, others apart. */
  readonly key: Template | undefined;
}

const KEY_SIGHT: Sight = { steps: new Set(), roots: new Set(['input', 'trigger']) };

/** The normalised form, and the compiled one. A mode and what contradicts it is a fault. */
export function compileConcurrency(
  written: ConcurrencyShape | undefined,
  checker: SightChecker,
  faults: Faults,
): { readonly definition: ConcurrencyDefinition; readonly compiled: CompiledConcurrency } | undefined {
  if (written === undefined) return undefined;
  const definition = normalized(written, faults);
  const { key, ...rest } = definition;
  const template = key === undefined ? undefined : checker.template(key, ['concurrency', 'key'], KEY_SIGHT);
  return { definition, compiled: { ...rest, key: template } };
}

function normalized(written: ConcurrencyShape, faults: Faults): ConcurrencyDefinition {
  if (typeof written === 'number') return { max: written, on_limit: 'queue' };
  if (typeof written === 'string') return MODES[written];
  const { mode: name, ...own } = written;
  const base: ConcurrencyDefinition = name ? MODES[name] : { max: 1, on_limit: 'queue' };
  if (name === undefined && own.max === undefined) {
    faults.add(
      ['concurrency'],
      '"max" is missing',
      'Say how many runs at once, or a mode: single, restart, queued, parallel.',
    );
  }
  if (name && own.on_limit && name !== 'parallel' && own.on_limit !== base.on_limit) {
    const hint = `mode ${name} means on_limit: ${base.on_limit}. Leave one of them out.`;
    faults.add(['concurrency', 'on_limit'], `"${own.on_limit}" contradicts mode ${name}`, hint);
  }
  if (name === 'single' && own.max !== undefined && own.max !== 1)
    faults.add(['concurrency', 'max'], 'mode single means one run', 'Take mode parallel for more.');
  return { ...own, max: own.max ?? base.max, on_limit: own.on_limit ?? base.on_limit };
}

const LONGEST_KEY = 200;

/** The value of the key for a run; undefined without one. @throws TerminalError `expression.failed`, `run.key_invalid` */
export function concurrencyKey(
  concurrency: CompiledConcurrency | undefined,
  scope: { readonly input: Json; readonly trigger: Json },
): string | undefined {
  if (!concurrency?.key) return undefined;
  const value = concurrency.key.evaluate(scope as unknown as Scope);
  const text = typeof value === 'string' ? value : toJsonText(value);
  if (text !== '' && text.length <= LONGEST_KEY) return text;
  throw new TerminalError('unprocessable', 'run.key_invalid', 'the concurrency key is empty or too long', {
    hint: `It is ${text.length} characters; 1 to ${LONGEST_KEY} are possible.`,
  });
}

const RANK: Readonly<Record<RunPriority, number>> = { low: -1, normal: 0, high: 1 };

/** A priority as a number that sorts: -1, 0, 1. */
export function priorityRank(priority: RunPriority): number {
  return RANK[priority];
}

/** The way back. */
export function priorityOf(rank: number): RunPriority {
  return rank > 0 ? 'high' : rank < 0 ? 'low' : 'normal';
}
