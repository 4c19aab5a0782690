import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import type { Effect, Expected } from './trial-case.ts';

/** One thing that is not as expected; undefined stands for what is not there. */
export interface Difference {
  /** `output.after`, `effects[2].value`. */
  readonly path: string;
  readonly expected?: Json | undefined;
  readonly got?: Json | undefined;
}

/** Stands for any value: for what is another each time. */
export const ANYTHING = '<any>';
const MOST_DIFFERENCES = 100;

interface Outcome {
  readonly status: string;
  readonly output: Json;
  readonly error: JsonObject | null;
  readonly effects: readonly Effect[];
}

/** What is not as the case expects it; only what it names is looked at. */
export function differences(expected: Expected, got: Outcome): readonly Difference[] {
  const found: Difference[] = [];
  const { status, output, error, effects } = expected;
  if (status !== undefined) compare('status', status, got.status, true, found);
  if (output !== undefined) compare('output', output as Json, got.output, true, found);
  if (error !== undefined) compare('error', error as Json, got.error, false, found);
  if (effects !== undefined) compareEffects(effects as readonly JsonObject[], got.effects, found);
  return found.slice(0, MOST_DIFFERENCES);
}

/** An effect as a case writes it: its fields flat beside `step`, `type` and `at` (seconds). */
export function writtenEffect({ step, type, at, fields, failed }: Effect): JsonObject {
  return { ...fields, step, type, at: at / 1000, ...(failed ? { failed } : {}) };
}

function compareEffects(expected: readonly JsonObject[], got: readonly Effect[], found: Difference[]): void {
  const written = got.map(writtenEffect);
  for (let i = 0; i < Math.max(expected.length, written.length); i++) {
    const [want, is] = [expected[i], written[i]];
    const path = `effects[${i}]`;
    if (want === undefined || is === undefined) found.push({ path, expected: want, got: is });
    else compare(path, want, is, false, found);
  }
}

/** `whole`: further keys of objects count as differences. */
function compare(
  path: string,
  expected: Json,
  got: Json | undefined,
  whole: boolean,
  found: Difference[],
): void {
  if (expected === ANYTHING && got !== undefined) return;
  if (Array.isArray(expected) && Array.isArray(got)) {
    for (let i = 0; i < Math.max(expected.length, got.length); i++) {
      if (i >= expected.length || i >= got.length) {
        found.push({ path: `${path}[${i}]`, expected: expected[i] as Json, got: got[i] as Json });
      } else compare(`${path}[${i}]`, expected[i] as Json, got[i] as Json, whole, found);
    }
    return;
  }
  if (isJsonObject(expected) && isJsonObject(got)) {
    const keys = whole ? new Set([...Object.keys(expected), ...Object.keys(got)]) : Object.keys(expected);
    for (const key of keys) {
      const want = Object.hasOwn(expected, key) ? expected[key] : undefined;
      const is = Object.hasOwn(got, key) ? got[key] : undefined;
      if (want === undefined) found.push({ path: `${path}.${key}`, got: is });
      else compare(`${path}.${key}`, want, is, whole, found);
    }
    return;
  }
  if (expected !== got) found.push({ path, expected, got });
}
