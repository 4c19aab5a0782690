import { type Clock, sleep } from '#core/clock.ts';
import { ChainbotError, RetryableError } from '#core/errors.ts';
import type { Log } from '#core/log.ts';
import type { Committed, WriterPort } from '#store/port.ts';
import type { Unit } from '#store/unit.ts';
import type { OutputFile, OutputFiles } from './output-files.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Commits a unit of a run that is under way, for as long as it takes: a full or failing disk holds the run
 * where it is and does not fail it. Every such unit has a row it inserts or a number of rows it must change,
 * so that after an unknown outcome doing it again either lands it or is refused because it had landed.
 */
export async function persist(
  unit: Unit,
  deps: { readonly writer: WriterPort; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
  /** It was tried before, and nobody knows what came of it. */
  isUnknown = false,
): Promise<Committed | undefined> {
  let unknown = isUnknown;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await deps.writer.commit(unit);
    } catch (error) {
      if (unknown && isRefusal(error)) return undefined; // it had landed
      if (!(error instanceof RetryableError) || error.code === 'store.closed') throw error;
      unknown ||= error.code === 'store.unknown';
      deps.log.warn({ code: error.code }, `a run waits for the disk: ${error.message}`);
      await sleep(deps.clock, pause, signal);
    }
  }
}

/** Large outputs are on disk before the unit that refers to them is committed; a full disk is waited for, too. */
export async function persistFiles(
  files: readonly OutputFile[],
  outputs: OutputFiles,
  deps: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  for (const file of files) {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await outputs.write(file);
        break;
      } catch (error) {
        deps.log.warn({ err: error }, 'a run waits for the disk: a large output could not be written');
        await sleep(deps.clock, pause, signal);
      }
    }
  }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof ChainbotError && (error.code === 'store.guard' || error.code === 'store.constraint')
  );
}
