import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiClient } from '#api/client.ts';
import { main } from '../src/main.ts';
import { createSite, type Site } from './rigs/site.ts';

/** src/main.ts in this process: its arguments, its exit codes, its way up and down. */
let site: Site;
let said: string;
beforeEach(() => {
  site = createSite({ log: { level: 'error' } });
  said = '';
  const keep = (text: string | Uint8Array): boolean => {
    said += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  site[Symbol.dispose]();
});

test('--help, --version, and an option that is none', async () => {
  expect(await main(['--help'])).toBe(0);
  expect(said).toContain('--set-aside-database');
  expect(await main(['--version'])).toBe(0);
  expect(said).toMatch(/^\d+\.\d+\.\d+/m);
  expect(await main(['--nonsense'])).toBe(64);
  expect(said).toContain('--nonsense');
});

test('--check reads and ends', async () => {
  expect(await main(['--check', '--config', site.configFile])).toBe(0);
  expect(said).toContain('good');
  site.configure({ devices: { odd: { driver: 'none', kind: 'sensor', name: 'Odd' } } });
  expect(await main(['--check', '--config', site.configFile])).toBe(78);
  expect(said).toContain('devices.odd');
});

test('comes up, says where everything is, and goes down when asked', async () => {
  const running = main(['--config', site.configFile, '--welcome', '--set-aside-database']);
  await expect.poll(() => said, { timeout: 10_000 }).toContain('Ctrl-C stops it');
  expect(said).toContain('there was none');
  expect(said).toContain(site.socket);
  expect(said).toMatch(/mqtt:\/\/127\.0\.0\.1:\d+/);
  const api = new ApiClient({ socketPath: site.socket });
  expect((await api.health()).status).toBe('ok');
  api.close();

  expect(await main(['--config', site.configFile])).toBe(69); // one daemon per data directory
  expect(said).toContain(String(process.pid));

  const others = process.rawListeners('SIGTERM').filter((listener) => !isOurs(listener));
  for (const listener of others) process.off('SIGTERM', listener as () => void);
  process.emit('SIGTERM');
  expect(await running).toBe(0);
  for (const listener of others) process.on('SIGTERM', listener as () => void);
  process.removeAllListeners('SIGINT');
});

/** The test runner listens too, and would end this process. */
function isOurs(listener: unknown): boolean {
  return String((listener as { listener?: unknown }).listener ?? listener).includes('onFirst');
}
