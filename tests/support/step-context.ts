import { systemClock } from '#core/clock.ts';
import type { JsonObject } from '#core/json.ts';
import { silentLog } from '#core/log.ts';
import type { StepContext } from '#workflows/port.ts';

/** What a step gets while it runs, for tests that run a step type alone. */
export function stepContext(written: JsonObject = {}, more: Partial<StepContext> = {}): StepContext {
  return {
    runId: 'run-1',
    path: 'tell',
    attempt: 1,
    idempotencyKey: 'run-1/tell',
    actor: { kind: 'run', id: 'run-1' },
    signal: new AbortController().signal,
    log: silentLog,
    clock: systemClock,
    conceal: () => {},
    written,
    ...more,
  };
}
