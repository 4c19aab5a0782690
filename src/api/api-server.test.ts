import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApiHarness, call, startApi } from '../../tests/api/api-harness.ts';
import type { ListenOptions } from './api-deps.ts';
import { createClient } from './client.ts';

let directory: string;
let socketPath: string;
let open: ApiHarness[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chainbot-listen-'));
  socketPath = join(directory, 's.sock');
  open = [];
});
afterEach(async () => {
  for (const harness of open) await harness.close();
  rmSync(directory, { recursive: true, force: true });
});

const start = async (
  listen: Partial<ListenOptions>,
  more: Parameters<typeof startApi>[0] = {},
): Promise<ApiHarness> => {
  const harness = await startApi({
    ...more,
    listen: { host: '127.0.0.1', port: undefined, socketPath: undefined, ...listen },
  });
  open.push(harness);
  return harness;
};

test('the socket is for its owner alone', async () => {
  const before = process.umask();
  const { api } = await start({ socketPath });
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  expect(process.umask()).toBe(before);
  expect(api.address()).toEqual({ url: null, port: null, socket: socketPath });
  expect(await createClient({ socketPath }).info()).toMatchObject({ api: { url: null, socket: socketPath } });
  await api.stop();
  expect(() => statSync(socketPath)).toThrow('ENOENT');
});

test('or for a group too', async () => {
  const own = String(process.getgid?.());
  const name = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , gid]) => gid === own)?.[0];
  await start({ socketPath, socketGroup: name ?? own });
  expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  expect(statSync(socketPath).gid).toBe(process.getgid?.());
  const other = join(directory, 'o.sock');
  await start({ socketPath: other, socketGroup: own });
  expect(statSync(other).mode & 0o777).toBe(0o660);
  await expect(
    start({ socketPath: join(directory, 'p.sock'), socketGroup: 'nobody-has-this' }),
  ).rejects.toMatchObject({
    code: 'api.socket_group',
  });
});

test('what a dead daemon left is removed, a live one is left alone', async () => {
  const script = join(directory, 'die.mjs');
  writeFileSync(
    script,
    `import { createServer } from 'node:net'; createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'));`,
  );
  await new Promise((resolve) => fork(script).once('exit', resolve));
  expect(statSync(socketPath).isSocket()).toBe(true);
  await start({ socketPath });
  expect((await createClient({ socketPath }).health()).status).toBe('ok');
  await expect(start({ socketPath })).rejects.toMatchObject({ code: 'api.socket_taken' });
  expect((await createClient({ socketPath }).health()).status).toBe('ok');
});

test('paths that can not be', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, 'precious');
  await expect(start({ socketPath: file })).rejects.toMatchObject({ code: 'api.socket_path' });
  expect(readFileSync(file, 'utf8')).toBe('precious');
  for (const path of [join(directory, 'x'.repeat(108)), join(directory, 'none', 's.sock')]) {
    await expect(start({ socketPath: path })).rejects.toMatchObject({ code: 'api.socket_path' });
  }
});

test('a port that is taken is told with who holds it; afterwards it may be tried again', async () => {
  const holder: Server = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const port = (holder.address() as { port: number }).port;
  const portOwner = async (): Promise<{ pid: number; command: string }> => ({ pid: 77, command: 'node-red' });
  await expect(start({ port, socketPath }, { portOwner })).rejects.toMatchObject({
    code: 'api.port_taken',
    message: `port ${port} on 127.0.0.1 is held by node-red (pid 77)`,
  });
  expect(() => statSync(socketPath)).toThrow('ENOENT');
  await expect(start({ port })).rejects.toMatchObject({
    message: expect.stringContaining('another process'),
  });
  await new Promise((resolve) => holder.close(resolve));
  const { api } = await start({ port });
  expect(api.address().port).toBe(port);
});

test('addresses that are not here', async () => {
  await expect(start({ port: 0, host: '203.0.113.1' })).rejects.toMatchObject({ code: 'api.host_unknown' });
  const ipv6 = await start({ port: 0, host: '::1' });
  expect(ipv6.api.address().url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await call(ipv6, '/health')).status).toBe(200);
  expect(await createClient({ url: ipv6.url, token: 'cb_right' }).info()).toMatchObject({ version: '0.1.0' });
});

test('on every network the address that was called is served', async () => {
  const { api } = await start({ port: 0, host: '0.0.0.0' });
  const info = await fetch(`http://127.0.0.2:${api.address().port}/api/chainbot/health`);
  expect(info.status).toBe(200);
});

test('a start that is called off leaves nothing', async () => {
  const harness = await start({ port: 0, socketPath });
  await harness.api.stop();
  await expect(harness.api.start(AbortSignal.abort())).rejects.toThrow();
  expect(harness.api.address()).toEqual({ url: null, port: null, socket: null });
  expect(harness.api.health()).toMatchObject({ score: 0 });
  await harness.api.start(new AbortController().signal);
  expect(harness.api.health()).toMatchObject({ score: 1, reasons: [] });
});

test('a stop lets a request finish, and ends one that does not', async () => {
  const harness = await start({ port: 0 }, { limits: { stopMs: 600 } });
  const { devices, api } = harness;
  let release = (): void => {};
  devices.read = (id) =>
    new Promise((resolve) => {
      release = () => resolve({ device: id, value: 1, quality: 'good', at: 0 });
    });
  const slow = call(harness, '/devices/temp/read', { method: 'POST' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const stopping = api.stop();
  release();
  expect((await slow).status).toBe(200);
  await stopping;
  await api.start(new AbortController().signal);
  const url = api.address().url;
  const stuck = fetch(`${url}/api/chainbot/devices/temp/read`, {
    method: 'POST',
    headers: { authorization: 'Bearer cb_right' },
  }).catch(() => 'ended');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const began = performance.now();
  await api.stop();
  expect(performance.now() - began).toBeLessThan(2000);
  expect(await stuck).toBe('ended');
});

test('a socket that may not be opened is explained to the client', async () => {
  if (process.getuid?.() === 0) return;
  await start({ socketPath });
  chmodSync(socketPath, 0);
  await expect(createClient({ socketPath }).info()).rejects.toMatchObject({ code: 'client.forbidden' });
});
