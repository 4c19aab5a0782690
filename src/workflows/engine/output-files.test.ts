import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Unit } from '#store/unit.ts';
import { act } from '../../../tests/support/crash-scenarios.ts';
import { EngineRig } from '../../../tests/support/engine-rig.ts';
import { History } from '../history/history.ts';
import { LARGEST_IN_JOURNAL, readReference } from './output-files.ts';
import { dropRuns } from './retention-table.ts';

const LARGE = LARGEST_IN_JOURNAL + 1000;
const wait = (id: string, more: object) => ({ id, type: 'wait', ...more });
const HOUR = 3_600_000;

let rig: EngineRig;
beforeEach(async () => {
  rig = new EngineRig();
  await rig.open();
});
afterEach(() => rig.close());

const folder = (): string => join(rig.directory, 'outputs');
const files = (): string[] =>
  existsSync(folder())
    ? readdirSync(folder(), { recursive: true })
        .map(String)
        .filter((name) => name.includes('.'))
    : [];

async function ended(id: string) {
  return vi.waitFor(
    async () => {
      const run = await rig.end(id, 20);
      expect(run.endedAt).not.toBeNull();
      return run;
    },
    { timeout: 10_000 },
  );
}

async function run(steps: object[], more: object = {}): Promise<string> {
  await rig.save({ name: 'w', steps, ...more });
  return rig.start('w');
}

/** The run waits in its step `hold`, and everything before is on disk. */
async function held(id: string): Promise<void> {
  await vi.waitFor(async () => {
    await rig.settle();
    expect(rig.engine.runs.get(id).steps.find((step) => step.id === 'hold')?.status).toBe('waiting');
  }, 10_000);
}

async function sweepAll(): Promise<number> {
  return rig.outputs.sweep(Date.now(), 256);
}

describe('large outputs', () => {
  test('are files; the trace has a reference, expressions and later steps the value', async () => {
    const id = await run([
      act('big', { size: LARGE }),
      { id: 'length', type: 'transform', value: '{{ size(steps.big.output) }}' },
    ]);
    const { steps, output } = await ended(id);
    expect(output).toBe(LARGE);
    expect(steps[0]?.output).toEqual({ $file: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: LARGE + 2 });
    const sha256 = (steps[0] as { output: unknown } as { output: { $file: string } }).output.$file;
    expect(files()).toEqual([join(sha256.slice(0, 2), `${sha256}.json`)]);
    const history = new History(rig.store.reader, rig.outputs, rig.catalog);
    const found = await history.output(id, 'big');
    if (!('content' in found)) throw new Error('it is no file');
    let bytes = 0;
    for await (const piece of found.content) bytes += piece.length;
    expect([found.sha256, bytes]).toEqual([sha256, LARGE + 2]);
    expect(await history.output(id)).toEqual({ text: String(LARGE) });
    await expect(history.output(id, 'nowhere')).rejects.toMatchObject({ code: 'step.not_found' });
    await expect(history.output('nobody')).rejects.toMatchObject({ code: 'run.not_found' });
  });

  test('are the same after a restart, and the run’s own output is a file too', async () => {
    const id = await run([act('big', { size: LARGE }), wait('hold', { for: '1h' }), act('end')], {
      output: '{{ steps.big.output }}',
    });
    await held(id);
    await rig.crash();
    rig.clock.advance(HOUR);
    const { output, status } = await ended(id);
    expect(status).toBe('completed');
    expect(output).toMatchObject({ bytes: LARGE + 2 });
    expect(files()).toHaveLength(1); // the same content is one file
  });

  test.each([
    ['gone', 'output.file_missing', () => undefined],
    ['changed', 'output.file_changed', (path: string) => writeFileSync(path, `"${'y'.repeat(LARGE)}"`)],
  ])('a file that is %s ends only the run that asks for it', async (how, code, spoil) => {
    const steps = [act('big', { size: LARGE }), wait('hold', { for: '1h' })];
    const id = await run([...steps, { id: 'ask', type: 'transform', value: '{{ size(steps.big.output) }}' }]);
    await rig.save({ name: 'other', steps: [...steps, act('end')] });
    const other = await rig.start('other');
    await held(id);
    await held(other);
    const [file] = files().map((name) => join(folder(), name));
    spoil(file as string);
    if (how === 'gone') mkdirSync(join(rig.directory, 'kept'), { recursive: true });
    if (how === 'gone') renameSync(file as string, join(rig.directory, 'kept', 'file'));
    await rig.crash();
    rig.clock.advance(HOUR);
    expect((await ended(id)).error).toMatchObject({ code, hint: expect.stringContaining('backup') });
    expect((await ended(other)).status).toBe('completed');
  });

  test('an output that looks like a reference is one of its own', async () => {
    const value = { $file: 'a'.repeat(64), bytes: 1 };
    const id = await run([act('liar', { value }), wait('hold', { for: '1h' })], {
      output: '{{ steps.liar.output.bytes }}',
    });
    await held(id);
    expect(rig.engine.runs.get(id).steps[0]?.output).not.toEqual(value);
    await rig.crash();
    rig.clock.advance(HOUR);
    expect((await ended(id)).output).toBe(1);
  });

  test('beyond the limit of the configuration the step fails', async () => {
    await rig.close();
    rig = new EngineRig({ maxOutputBytes: 1000 } as object);
    await rig.open();
    const id = await run([act('big', { size: 400, value: 1 }), act('more', { size: 1001 })]);
    expect((await ended(id)).error).toMatchObject({ code: 'step.output_too_large', step: 'more' });
  });
});

describe('the power goes', () => {
  test('between the file and its unit: the step is done again, its old file is of nobody', async () => {
    const id = await run([act('big', { size: LARGE, interrupt: 'retry' }), act('end')]);
    await vi.waitFor(() => expect(rig.effects).toHaveLength(1));
    rig.store.frozen = true; // the unit with the output never gets there
    await vi.waitFor(() => expect(files()).toHaveLength(1), 5000);
    expect(rig.store.rows('SELECT * FROM output_files')).toEqual([]);
    await rig.crash();
    const { status } = await ended(id);
    expect(status).toBe('completed');
    expect(rig.effects.filter(({ path }) => path === 'big')).toHaveLength(2);
    expect(files()).toHaveLength(1);
  });

  test('an unfinished file is never read, and goes', async () => {
    const unfinished = join(folder(), 'ab', `${'ab'.repeat(32)}.json.1.1.tmp`);
    mkdirSync(join(folder(), 'ab'), { recursive: true });
    writeFileSync(unfinished, 'half');
    expect(await sweepAll()).toBe(0);
    utimesSync(unfinished, 0, 0);
    expect(await sweepAll()).toBe(1);
    expect(existsSync(unfinished)).toBe(false);
  });
});

describe('files that nobody refers to', () => {
  test('go when the last run is gone; what is about to be referred to stays', async () => {
    const id = await run([act('big', { size: LARGE })]);
    await ended(id);
    expect(await sweepAll()).toBe(0);
    const unit = new Unit();
    const { file, stored } = rig.outputs.keep(JSON.stringify('z'.repeat(LARGE)), 1, unit);
    if (!file) throw new Error('it is no file');
    expect(readReference(stored)).toEqual({ sha256: file.sha256, bytes: LARGE + 2 });
    await rig.outputs.write(file);
    await rig.outputs.write(file); // once more changes nothing
    expect(await sweepAll()).toBe(0);
    await rig.store.commit(new Unit().add(dropRuns, { keys: '[1]' }, 1));
    expect(await sweepAll()).toBe(1);
    expect(files()).toEqual([join(file.sha256.slice(0, 2), `${file.sha256}.json`)]);
    expect(readFileSync(join(folder(), files()[0] as string), 'utf8')).toBe(
      JSON.stringify('z'.repeat(LARGE)),
    );
  });

  test('a disk that takes no file holds the run where it is', async () => {
    writeFileSync(folder(), 'no folder');
    const id = await run([act('big', { size: LARGE })]);
    await rig.pass(5);
    expect(rig.engine.runs.get(id).endedAt).toBeNull();
    rmSync(folder());
    expect((await ended(id)).status).toBe('completed');
  });
});
