import { createHash } from 'node:crypto';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Daemon } from './rigs/daemon.ts';
import { Effects } from './rigs/effects.ts';
import { createSite, type Site } from './rigs/site.ts';

/** How a daemon comes up, refuses to, and goes down: real processes. */

describe('stopping', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s during runs ends within 5 s; the next start picks them up',
    async (signal) => {
      await using effects = await new Effects(() => 30).start();
      using site = createSite();
      let ids: string[];
      {
        await using daemon = await Daemon.start(site);
        await daemon.api.saveWorkflow(JSON.stringify(line(effects.url)), 'json');
        ids = await start(daemon, 30);
        const held = await daemon.api.startRun('held');
        ids.push(held.id);
        await expect.poll(() => effects.all.length).toBeGreaterThan(40);
        const began = performance.now();
        const ended = await daemon.stop(signal);
        expect(ended).toMatchObject({ code: 0, signal: null });
        expect(performance.now() - began).toBeLessThan(5000);
      }
      await using again = await Daemon.start(site);
      const { events } = await again.api.events({ limit: 10, types: ['chainbot.module.ready'] });
      expect(events.at(-1)?.data.clean_stop).toBe(true);
      expect(events.at(-1)?.data.recovered_runs).toBeGreaterThan(0);
      await again.api.signalRun(ids.at(-1) as string, 'go');
      for (const id of ids) expect((await again.api.waitForRun(id)).status).toBe('completed');
      // A stop gives what is under way its time: nothing is done twice.
      const keys = effects.all.map((effect) => effect.key);
      expect(keys.length - new Set(keys).size).toBe(0);
    },
  );

  test('a step that hangs does not hold the stop; it is told as interrupted afterwards', async () => {
    await using effects = await new Effects(() => 60_000).start();
    using site = createSite();
    const daemon = await Daemon.start(site);
    await daemon.api.saveWorkflow(JSON.stringify(line(effects.url)), 'json');
    const [id = ''] = await start(daemon, 1);
    await expect.poll(() => effects.all.length).toBe(1);
    const began = performance.now();
    expect((await daemon.stop()).code).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    await using again = await Daemon.start(site);
    expect((await again.api.run(id)).status).toBe('running');
    const recovered = await again.api.events({ limit: 10, types: ['chainbot.workflow.recovered'] });
    expect(recovered.events.at(-1)?.data.interrupted).toEqual(['s0']);
    await again.api.cancelRun(id);
  });

  test('after a kill the next start says that the stop was not clean', async () => {
    using site = createSite();
    const daemon = await Daemon.start(site);
    await daemon.kill();
    await using again = await Daemon.start(site);
    const { events } = await again.api.events({ limit: 10, types: ['chainbot.module.ready'] });
    expect(events.at(-1)?.data.clean_stop).toBe(false);
  });
});

describe('a database that can not be used', () => {
  test('from the future: up, readable, 503 with the way out; untouched', async () => {
    using site = createSite();
    await filled(site);
    // As after a kill: what was written last is in the WAL only.
    const holder = new Sqlite(site.database, { readonly: true });
    holder.prepare('SELECT count(*) FROM runs').get();
    const db = new Sqlite(site.database);
    db.pragma('user_version = 99');
    db.close();
    holder.close();
    const files = [site.database, `${site.database}-wal`];
    const before = files.map(digest);
    await using daemon = await Daemon.start(site);
    await refusesWrites(daemon, /newer ChainBot/, /Install that version/);
    expect((await daemon.api.runs()).runs.length).toBe(1);
    expect((await daemon.api.workflows()).workflows.length).toBe(2);
    expect((await daemon.api.events({ after: 0 })).events.length).toBeGreaterThan(0);
    await daemon.stop();
    expect(files.map(digest)).toEqual(before);
  });

  test('no database at all: up, 503, kept; set aside only when asked', async () => {
    using site = createSite();
    await filled(site);
    writeFileSync(site.database, 'what was dear to somebody '.repeat(1000));
    const before = digest(site.database);
    {
      await using daemon = await Daemon.start(site);
      await refusesWrites(daemon, /damaged/, /set-aside-database/);
      expect((await daemon.api.readDevice('greenhouse_temp')).value).toEqual(expect.any(Number));
    }
    expect(digest(site.database)).toBe(before);
    await using fresh = await Daemon.start(site, { args: ['--set-aside-database'] });
    await fresh.api.saveWorkflow(JSON.stringify(line('http://127.0.0.1:1/')), 'json');
    expect((await fresh.api.health()).status).toBe('ok');
    const aside = readdirSync(site.dataDir).find(
      (file) => /^chainbot\.db\.aside-[^-]+$/.test(file) || file.includes('.aside-'),
    );
    expect(digest(`${site.dataDir}/${aside}`)).toBe(before);
  });

  test('damage in the middle is found by the check after the start', async () => {
    using site = createSite();
    await filled(site, 400);
    const { size } = statSync(site.database);
    const file = openSync(site.database, 'r+');
    for (let at = Math.floor(size / 2 / 4096) * 4096; at < size - 4096; at += 4096)
      writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, at);
    closeSync(file);
    await using daemon = await Daemon.start(site);
    await expect.poll(async () => (await daemon.api.health()).status, { timeout: 10_000 }).toBe('failed');
    await refusesWrites(daemon, /damaged/, /backup/);
  });
});

describe('what keeps it from starting', () => {
  test('another daemon on the same data', async () => {
    using site = createSite();
    await using first = await Daemon.start(site);
    const { code, output } = await new Daemon(site).ended;
    expect(code).toBe(69);
    expect(output).toContain(`process id ${first.pid}`);
    expect(output).toContain('another data_dir');
    expect((await first.api.health()).status).toBe('ok');
  });

  test('a port that somebody holds', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    using site = createSite({ port });
    const { code, output } = await new Daemon(site).ended;
    holder.close();
    expect(code).toBe(69);
    expect(output).toContain(String(port));
    expect(output).toContain(String(process.pid));
  });

  test("the broker's port that somebody holds", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    using site = createSite({ mqtt: { embedded: { port } } });
    await using daemon = new Daemon(site);
    const outcome = await Promise.race([
      daemon.ended.then((ended) => ended.output),
      daemon.ready().then(() => 'ready'),
    ]);
    if (outcome === 'ready') {
      const { parts } = await daemon.api.health();
      expect(JSON.stringify(parts)).toContain(String(port));
    } else expect(outcome).toContain(String(port));
    holder.close();
  });

  test('a wrong configuration: exit 78 with every fault, its file, key and mend', async () => {
    using site = createSite({
      port: 99_999,
      log: { level: 'loud' },
      mqqt: { url: 'x' },
      engine: { default_timeout: 'soon' },
    });
    const { code, output } = await new Daemon(site, { env: { ALEX_OS_CHAINBOT_SECRET_KEY: 'short' } }).ended;
    expect(code).toBe(78);
    for (const part of [
      site.configFile,
      'port',
      'log.level',
      'mqqt',
      'mqtt',
      'engine.default_timeout',
      'ALEX_OS_CHAINBOT_SECRET_KEY',
      '32 bytes',
    ])
      expect(output).toContain(part);
    expect(output).not.toContain('short\n');
  });

  test('a data directory that forgets', async () => {
    using site = createSite({ storage: { allow_volatile: false } }, '/dev/shm/chainbot-test-volatile');
    try {
      const { code, output } = await new Daemon(site).ended;
      expect(code).toBe(78);
      expect(output).toContain('allow_volatile');
    } finally {
      rmSync(site.dataDir, { recursive: true, force: true });
    }
  });
});

async function refusesWrites(daemon: Daemon, reason: RegExp, wayOut: RegExp): Promise<void> {
  const health = await daemon.api.health();
  expect(health.status).toBe('failed');
  const database = health.parts.find((part) => part.name === 'database');
  expect(database?.reasons.join()).toMatch(reason);
  expect(database?.remedies.join()).toMatch(wayOut);
  const answer = {
    code: expect.stringMatching(/^store\.(degraded|unreadable)$/),
    hint: expect.stringMatching(/Install|aside/),
  };
  await expect(daemon.api.createToken('x')).rejects.toMatchObject(answer);
  const saved = daemon.api.saveWorkflow(JSON.stringify(line('http://127.0.0.1:2/')), 'json');
  await expect(saved).rejects.toMatchObject(answer);
  await expect(daemon.api.startRun('line')).rejects.toMatchObject({ hint: expect.any(String) });
}

async function filled(site: Site, runs = 1): Promise<void> {
  await using effects = await new Effects().start();
  await using daemon = await Daemon.start(site);
  await daemon.api.saveWorkflow(JSON.stringify(line(effects.url, 3)), 'json');
  await daemon.api.saveWorkflow(JSON.stringify(HELD), 'json');
  for (const id of await start(daemon, runs)) await daemon.api.waitForRun(id);
}

async function start(daemon: Daemon, count: number): Promise<string[]> {
  await daemon.api.saveWorkflow(JSON.stringify(HELD), 'json');
  const runs = await Promise.all(Array.from({ length: count }, () => daemon.api.startRun('line')));
  return runs.map((run) => run.id);
}

const HELD = { name: 'held', steps: [{ id: 'hold', type: 'wait', signal: 'go' }] };

function line(url: string, length = 10): object {
  const steps = Array.from({ length }, (_, index) => ({
    id: `s${index}`,
    type: 'api_call',
    method: 'POST',
    url,
  }));
  return { name: 'line', steps };
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
