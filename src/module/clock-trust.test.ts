import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#core/log.ts';
import { query } from '#store/statement.ts';
import { HandClock } from '../../tests/support/hand-clock.ts';
import { openStore } from '../../tests/support/open-store.ts';
import { type ClockSource, clockSources, kernelSource, rtcSource, timesyncSource } from './clock-sources.ts';
import { ClockTrust } from './clock-trust.ts';

const never = new AbortController().signal;
const timeEvents = query((db, _p: Record<never, never>) =>
  db
    .selectFrom('events')
    .select(['type', 'data'])
    .where('type', 'like', 'chainbot.time.%')
    .orderBy('seq')
    .limit(20),
);

describe('ClockTrust', () => {
  let opened: Awaited<ReturnType<typeof openStore>>;
  let clock: HandClock;
  let knows: boolean;
  let up: number;
  let trust: ClockTrust;
  const source: ClockSource = { name: 'scripted', isRight: async () => knows };

  beforeEach(async () => {
    opened = await openStore();
    clock = new HandClock();
    knows = false;
    up = 10_000;
    trust = new ClockTrust({
      ...{ sources: [source], holdMs: 300_000, upMs: () => up },
      ...{ writer: opened.store, clock, log: silentLog },
    });
  });
  afterEach(async () => {
    await trust.stop();
    await opened.close();
  });

  const events = () =>
    opened.store.reader.all(timeEvents, {}).map(({ type, data }) => [type, JSON.parse(data)]);
  const state = () => trust.standing().state;

  test('holds until somebody knows, and says who', async () => {
    const heard: string[] = [];
    const unlisten = trust.onChanged(() => heard.push(state()));
    await trust.start(never);
    await clock.advance(60_000);
    expect([state(), trust.health().score]).toEqual(['held', 0.8]);
    expect(trust.health().reasons[0]).toContain('3 min');
    knows = true;
    await clock.advance(11_000);
    expect(trust.standing()).toEqual({ state: 'trusted', source: 'scripted' });
    expect(trust.health().score).toBe(1);
    knows = false;
    await clock.advance(600_000);
    expect(state()).toBe('trusted');
    expect(heard).toEqual(['trusted']);
    unlisten();
    await expect.poll(events).toEqual([['chainbot.time.trusted', { source: 'scripted' }]]);
  });

  test('goes on with the estimate after the hold, counted from when the machine came up', async () => {
    await trust.start(never);
    await clock.advance(289_000);
    expect(state()).toBe('held');
    await clock.advance(2000);
    expect([state(), trust.health().score]).toEqual(['estimated', 0.9]);
    await expect.poll(events).toHaveLength(1);
    knows = true;
    await clock.advance(61_000);
    expect(state()).toBe('trusted');
    await expect.poll(events).toEqual([
      ['chainbot.time.estimated', { held_ms: 300_000 }],
      ['chainbot.time.trusted', { source: 'scripted' }],
    ]);
  });

  test('a daemon that starts again on a machine that is long up does not hold again', async () => {
    up = 86_400_000;
    await trust.start(never);
    await clock.advance(1);
    expect(state()).toBe('estimated');
    await trust.stop();
    await trust.start(never);
    await clock.advance(1);
    expect(state()).toBe('estimated');
  });
});

describe('those who may know', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chainbot-clock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const now = Date.parse('2026-07-01T10:00:00Z');

  test('systemd-timesyncd by its stamp', async () => {
    const stamp = join(folder, 'synchronized');
    expect(await timesyncSource(stamp).isRight(now)).toBe(false);
    writeFileSync(stamp, '');
    expect(await timesyncSource(stamp).isRight(now)).toBe(true);
  });

  test('the kernel through timedatectl', async () => {
    const command = join(folder, 'timedatectl');
    const answer = async (script: string): Promise<boolean> => {
      writeFileSync(command, `#!/bin/sh\n${script}\n`);
      chmodSync(command, 0o755);
      return kernelSource(command).isRight(now);
    };
    expect(await kernelSource(join(folder, 'nothing')).isRight(now)).toBe(false);
    expect(await answer('[ "$*" = "show --property=NTPSynchronized --value" ] && echo yes')).toBe(true);
    expect(await answer('echo no')).toBe(false);
    expect(await answer('echo yes; exit 1')).toBe(false);
  });

  test('a battery clock that the system was set from, and that agrees', async () => {
    const rtc = (name: string, hctosys: string, seconds: number): void => {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'hctosys'), `${hctosys}\n`);
      writeFileSync(join(folder, name, 'since_epoch'), `${seconds}\n`);
    };
    const isRight = () => rtcSource(folder).isRight(now);
    expect(await isRight()).toBe(false);
    rtc('rtc0', '0', now / 1000);
    expect(await isRight()).toBe(false);
    rtc('rtc0', '1', 86_400);
    expect(await isRight()).toBe(false);
    rtc('rtc0', '1', now / 1000 - 60);
    expect(await isRight()).toBe(false);
    rtc('rtc1', '1', now / 1000 + 1);
    expect(await isRight()).toBe(true);
    expect(await rtcSource(join(folder, 'none')).isRight(now)).toBe(false);
    expect(await rtcSource(folder).isRight(86_400_000)).toBe(false);
  });

  test('are three, the cheapest first', () => {
    expect(clockSources().map((source) => source.name)).toEqual(['systemd-timesyncd', 'rtc', 'kernel']);
  });
});
