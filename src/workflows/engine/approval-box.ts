import type { ReaderPort } from '#store/port.ts';
import { type ApprovalRow, approvalOfStep } from './approvals-table.ts';
import { untilAborted } from './interrupt.ts';

/** Who waits for which answer. The answers themselves are rows. */
export class ApprovalBox {
  readonly #reader: ReaderPort;
  readonly #waiting = new Map<string, () => void>();

  constructor(reader: ReaderPort) {
    this.#reader = reader;
  }

  /** The newest question of a step. */
  read(run: number, path: string): ApprovalRow | undefined {
    return this.#reader.get(approvalOfStep, { run, path });
  }

  /** Resolves when there may be an answer, or when `due` has come. */
  async untilTold(
    run: number,
    path: string,
    due: (signal: AbortSignal) => Promise<void>,
    abort: AbortSignal,
  ): Promise<void> {
    const key = `${run}/${path}`;
    const own = new AbortController();
    const told = Promise.withResolvers<void>();
    this.#waiting.set(key, told.resolve);
    const late = due(own.signal);
    late.catch(() => undefined);
    try {
      if (this.read(run, path)?.status !== 'open') return;
      await untilAborted(Promise.race([told.promise, late]), abort);
    } finally {
      own.abort();
      if (this.#waiting.get(key) === told.resolve) this.#waiting.delete(key);
    }
  }

  /** An answer is on disk. */
  notify(run: number, path: string): void {
    this.#waiting.get(`${run}/${path}`)?.();
  }
}
