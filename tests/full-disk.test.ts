import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { Daemon } from './rigs/daemon.ts';
import { Effects } from './rigs/effects.ts';
import { createSite } from './rigs/site.ts';

/** A data directory on a disk of a few megabytes that is filled to the last byte. */
const mountpoint = mkdtempSync(join(tmpdir(), 'chainbot-small-'));
const isMounted =
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=700', 'chainbot-test', mountpoint]).status === 0;
if (!isMounted) console.warn('full-disk: skipped, because this user can not mount a tmpfs (run it as root)');

afterAll(() => {
  if (isMounted) spawnSync('umount', ['-l', mountpoint]);
  rmSync(mountpoint, { recursive: true, force: true });
});

test.skipIf(!isMounted)(
  'a full disk is told, nothing acknowledged is lost, and it goes on by itself',
  async () => {
    await using effects = await new Effects().start();
    using site = createSite({ module: { health_seconds: 1 } }, join(mountpoint, 'data'));
    await using daemon = await Daemon.start(site);
    const { api } = daemon;
    const steps = [
      call('first', effects.url),
      { id: 'hold', type: 'wait', signal: 'go' },
      call('last', effects.url),
    ];
    await api.saveWorkflow(JSON.stringify({ name: 'held', steps }), 'json');
    await api.writeDevice('greenhouse_pump', { value: true });
    const held = await Promise.all(Array.from({ length: 20 }, () => api.startRun('held')));
    await expect.poll(() => effects.all.length, { timeout: 10_000 }).toBe(20);

    const ballast = join(mountpoint, 'ballast');
    fill(ballast);
    // What room SQLite had in its files already is used up first; each of these is acknowledged or refused.
    const acknowledged = held.map((run) => run.id);
    let refusal: unknown;
    for (let tries = 0; tries < 5000 && refusal === undefined; tries++) {
      try {
        acknowledged.push((await api.startRun('held')).id);
      } catch (error) {
        refusal = error;
      }
      if (tries % 50 === 0) fill(join(mountpoint, `ballast-${tries}`));
    }
    expect(refusal).toBeInstanceOf(RetryableError);
    expect(refusal).toMatchObject({ code: 'store.full', hint: expect.stringContaining('Free some space') });

    const health = await api.health();
    expect(health.status).toBe('failed');
    const database = health.parts.find((part) => part.name === 'database');
    expect(database?.reasons.join()).toContain('the disk is full');
    expect(database?.remedies.join()).toContain('goes on by itself');
    expect((await api.run(acknowledged[0] as string)).status).toBe('waiting');

    // Safety does not wait for the disk: what is dangerous goes off all the same.
    expect((await api.writeDevice('greenhouse_pump', { value: false })).value).toBe(false);
    expect((await api.readDevice('greenhouse_pump')).value).toBe(false);
    // What is not on disk is not acted on: it stays off.
    await expect(api.writeDevice('greenhouse_pump', { value: true })).rejects.toMatchObject({
      code: 'store.full',
    });
    expect((await api.readDevice('greenhouse_pump')).value).toBe(false);

    spawnSync('sh', ['-c', `rm -f ${mountpoint}/ballast*`]);
    await expect
      .poll(() => api.startRun('held').then(() => 'started', String), { timeout: 20_000 })
      .toBe('started');
    await expect.poll(async () => (await api.health()).status, { timeout: 5000 }).toBe('ok');
    for (const id of acknowledged) await api.signalRun(id, 'go');
    for (const id of acknowledged) expect((await api.waitForRun(id)).status).toBe('completed');
    await daemon.kill();

    await using again = await Daemon.start(site);
    for (const id of acknowledged) expect((await again.api.run(id)).status).toBe('completed');
    const keys = effects.all.map((effect) => effect.key);
    expect(new Set(keys).size).toBe(keys.length);
    const { events, head } = await again.api.events({ after: 0, limit: 1000 });
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(head).toBeGreaterThan(0);
  },
);

/** To the last byte; the daemon writes at the same time, so the last one may not be there any more. */
function fill(file: string): void {
  const { bavail, bsize } = statfsSync(mountpoint);
  try {
    if (bavail > 0) writeFileSync(file, Buffer.alloc(bavail * bsize, 'x'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function call(id: string, url: string): object {
  return { id, type: 'api_call', method: 'POST', url, body: { step: id } };
}
