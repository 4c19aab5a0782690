import { type ErrorRecord, errorRecord, RetryableError } from '#core/errors.ts';

/** Why a run's work is being aborted; carried as an AbortSignal's reason. */
export class Interrupt extends Error {
  readonly kind: 'shutdown' | 'cancel' | 'timeout' | 'superseded';

  constructor(kind: Interrupt['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A step failed for good; on its way up to whoever handles it. Its row is already in a unit. */
export class StepFailure extends Error {
  readonly record: ErrorRecord;
  readonly path: string;

  constructor(record: ErrorRecord, path: string) {
    super(record.message);
    this.record = record;
    this.path = path;
  }
}

/** The record of whatever a step threw, the step's path beside it when it came from further inside. */
export function failureRecord(error: unknown): ErrorRecord {
  if (error instanceof StepFailure) return error.record;
  return errorRecord(error);
}

/** Settles with the promise, or rejects with the signal's reason as soon as it aborts. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}

/** Is what was to be written perhaps on disk? */
export function isUnknown(error: unknown): boolean {
  return error instanceof RetryableError && error.code === 'store.unknown';
}

/** Is the daemon stopping? */
export function isShutdown(error: unknown): boolean {
  return (
    (error instanceof Interrupt && error.kind === 'shutdown') ||
    (error instanceof RetryableError && error.code === 'store.closed')
  );
}
