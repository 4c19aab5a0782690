import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { RetryableError } from '#core/errors.ts';
import { Daemon } from './rigs/daemon.ts';
import { Effects } from './rigs/effects.ts';
import { createSite } from './rigs/site.ts';
import { canTrace, failing } from './rigs/strace.ts';

/** EIO from the disk under a running daemon (strace injects it), for good and now and then. */
const LENGTH = 6;
const line = (url: string) => ({
  name: 'line',
  steps: Array.from({ length: LENGTH }, (_, index) => ({
    id: `s${index}`,
    type: 'api_call',
    method: 'POST',
    url,
    body: { step: index },
  })),
});

describe.skipIf(!canTrace)('a failing disk', () => {
  test('is told while it lasts; afterwards the daemon goes on, and nothing acknowledged is lost', async () => {
    await using effects = await new Effects().start();
    using site = createSite();
    await using daemon = await Daemon.start(site);
    const { api } = daemon;
    await api.saveWorkflow(JSON.stringify(line(effects.url)), 'json');
    const acknowledged = await startMany(api, 10);
    {
      await using _fault = await failing(daemon.pid, 'fsync,fdatasync', 'error=EIO');
      const refusal = await untilRefused(api, acknowledged);
      expect(refusal).toMatchObject({ code: expect.stringMatching(/^store\.(failed|unknown)$/) });
      expect(refusal.hint).toMatch(/dmesg|look|disk|again/i);
      const told = () => api.health().then(({ parts }) => parts.find((part) => part.name === 'database'));
      await expect
        .poll(async () => (await told())?.reasons.join(), { timeout: 10_000 })
        .toContain('disk failed');
      expect((await told())?.remedies.join()).toContain('SD card');
      expect((await api.health()).status).toBe('failed');
      expect((await api.runs({ limit: 100 })).runs.length).toBeGreaterThanOrEqual(acknowledged.length);
    }
    await expect
      .poll(
        () =>
          startMany(api, 1).then(
            ([id]) => acknowledged.push(id as string),
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    for (const id of acknowledged) expect((await api.waitForRun(id)).status).toBe('completed');
    expect((await api.health()).status).toBe('ok');
    await everythingHolds(daemon, effects, acknowledged);
  });

  test.each([
    ['fsync,fdatasync', 'error=EIO:when=5+9'],
    ['pwrite64', 'error=EIO:when=20+61'],
  ])('that fails now and then (%s) stops nobody', async (calls, fault) => {
    await using effects = await new Effects(() => 2).start();
    using site = createSite();
    await using daemon = await Daemon.start(site);
    const { api } = daemon;
    await api.saveWorkflow(JSON.stringify(line(effects.url)), 'json');
    const acknowledged: string[] = [];
    let refused = 0;
    {
      await using _fault = await failing(daemon.pid, calls, fault);
      for (let round = 0; round < 60; round++) {
        await startMany(api, 1).then(
          ([id]) => acknowledged.push(id as string),
          () => refused++,
        );
        await pause(40);
      }
    }
    for (const id of acknowledged) expect((await api.waitForRun(id)).status).toBe('completed');
    console.log(`${calls} ${fault}: ${acknowledged.length} runs acknowledged, ${refused} refused`);
    expect(acknowledged.length).toBeGreaterThan(5);
    await everythingHolds(daemon, effects, acknowledged);
  });
});

type Api = Daemon['api'];

async function startMany(api: Api, count: number): Promise<string[]> {
  const runs = await Promise.all(Array.from({ length: count }, () => api.startRun('line')));
  return runs.map((run) => run.id);
}

async function untilRefused(api: Api, acknowledged: string[]): Promise<RetryableError> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      acknowledged.push((await api.startRun('line')).id);
    } catch (error) {
      expect(error).toBeInstanceOf(RetryableError);
      return error as RetryableError;
    }
  }
  throw new Error('nothing was refused');
}

/** After a restart all of it is there, the log has no gap, and each step acted once and in its turn. */
async function everythingHolds(daemon: Daemon, effects: Effects, acknowledged: string[]): Promise<void> {
  await daemon.kill();
  await using again = await Daemon.start(daemon.site);
  for (const id of acknowledged) expect((await again.api.run(id)).status).toBe('completed');
  const { events } = await again.api.events({ after: 0, limit: 1000 });
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  for (const id of acknowledged) {
    const own = effects.all.filter((effect) => effect.run === id).map((effect) => effect.path);
    expect(own).toEqual(Array.from({ length: LENGTH }, (_, index) => `s${index}`));
    const mine = events.filter((event) => event.subject === `run/${id}`).map((event) => event.type);
    expect(mine.filter((type) => type === 'chainbot.workflow.completed')).toHaveLength(1);
    expect(mine.filter((type) => type === 'chainbot.step.completed')).toHaveLength(LENGTH);
  }
}
