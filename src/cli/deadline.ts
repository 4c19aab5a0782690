import { formatDuration } from '#core/duration.ts';
import { RetryableError } from '#core/errors.ts';
import type { CliIo } from './io.ts';

/** A signal that aborts on Ctrl-C and, if there is a limit, when it is over; dispose it to disarm the timer. */
export function deadline(
  io: CliIo,
  timeoutMs: number | undefined,
  runId: string,
): Disposable & { readonly signal: AbortSignal } {
  if (timeoutMs === undefined) return { signal: io.interrupted, [Symbol.dispose]() {} };
  const over = new AbortController();
  const timer = io.clock.after(timeoutMs, () => {
    over.abort(
      new RetryableError('cli.timeout', `the run has not ended within ${formatDuration(timeoutMs)}`, {
        hint: `It goes on. Look again: chainbot runs follow ${runId}`,
      }),
    );
  });
  return {
    signal: AbortSignal.any([io.interrupted, over.signal]),
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  };
}
