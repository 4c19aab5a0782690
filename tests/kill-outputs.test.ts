import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Daemon } from './rigs/daemon.ts';
import { createSite } from './rigs/site.ts';

/** The power goes while steps give outputs that are files: no run ever refers to one that is not whole. */
const KILLS = 5;
const STEPS = 30;
const TEXT = 'x'.repeat(300_000);

test(`kill -9 at ${KILLS} instants while large outputs are written`, { timeout: 120_000 }, async () => {
  using site = createSite();
  let daemon = new Daemon(site);
  await using _last = { [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
  await daemon.ready();
  const steps = Array.from({ length: STEPS }, (_, n) => ({
    id: `s${n}`,
    type: 'transform',
    value: `{{ "${n} " + input.text }}`,
  }));
  await daemon.api.saveWorkflow(
    JSON.stringify({ name: 'large', steps, output: '{{ size(steps.s3.output) }}' }),
    'json',
  );
  const ids: string[] = [];
  for (let kills = 0; kills < KILLS; kills++) {
    ids.push((await daemon.api.startRun('large', { input: { text: TEXT } })).id);
    await pause(10 + Math.random() * 150);
    await daemon.kill();
    daemon = new Daemon(site);
    await daemon.ready();
    for (const file of referredTo(await Promise.all(ids.map((id) => daemon.api.run(id))))) {
      expect(hashOf(join(site.dataDir, 'outputs', file.slice(0, 2), `${file}.json`))).toBe(file);
    }
  }
  for (const id of ids) {
    const run = await daemon.api.waitForRun(id);
    expect({ status: run.status, output: run.output, error: run.error }).toEqual({
      ...{ status: 'completed', output: TEXT.length + 2, error: null },
    });
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of daemon.api.output(ids[0] as string, 's3')) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe(JSON.stringify(`3 ${TEXT}`));
  const whole = readdirSync(join(site.dataDir, 'outputs'), { recursive: true }).map(String);
  expect(whole.filter((name) => basename(name).endsWith('.json'))).toHaveLength(STEPS);
  await daemon.stop();
});

function referredTo(runs: readonly { readonly steps: readonly { readonly output: unknown }[] }[]): string[] {
  const outputs = runs.flatMap(({ steps }) => steps.map(({ output }) => output as { $file?: string } | null));
  return [...new Set(outputs.flatMap((output) => output?.$file ?? []))];
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
