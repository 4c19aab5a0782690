import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '#core/log.ts';
import { Store } from '#store/store.ts';

/** A started store in a directory of its own; `close` stops it and takes the directory away. */
export async function openStore(): Promise<{ readonly store: Store; close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'chainbot-'));
  const store = new Store({
    file: join(directory, 'chainbot.db'),
    telemetryFile: join(directory, 'telemetry.db'),
    log: silentLog,
    quickCheck: false,
    telemetry: { flushMs: 10_000, retentionMs: 1e9 },
  });
  await store.start(new AbortController().signal);
  return {
    store,
    async close() {
      await store.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
