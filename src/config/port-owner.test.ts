import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { portOwner } from './port-owner.ts';

for (const host of ['127.0.0.1', '::1']) {
  test(`finds who listens on ${host}`, async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const owner = portOwner(port);
      expect(owner?.pid).toBe(process.pid);
      expect(owner?.command.length).toBeGreaterThan(0);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(portOwner(port)).toBeUndefined();
  });
}

test('a process that cannot be seen, one without a command line, and a table that is not there', () => {
  const proc = mkdtempSync(path.join(tmpdir(), 'proc-'));
  try {
    mkdirSync(path.join(proc, 'net'));
    const line = (port: string, state: string, inode: number) =>
      `   0: 0100007F:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  0 0 ${inode} 1 0 100 0 0 10 0`;
    const table = [
      '  sl  local_address …',
      line('1F40', '0A', 77),
      line('1F41', '01', 78),
      line('1F42', '0A', 79),
    ];
    writeFileSync(path.join(proc, 'net/tcp'), table.join('\n'));
    for (const pid of ['self', '10', '11']) mkdirSync(path.join(proc, pid, 'fd'), { recursive: true });
    mkdirSync(path.join(proc, '12'));
    writeFileSync(path.join(proc, '10/fd/0'), 'not a link');
    symlinkSync('socket:[77]', path.join(proc, '11/fd/3'));
    writeFileSync(path.join(proc, '11/comm'), 'kthing\n');
    expect(portOwner(8000, proc)).toEqual({ pid: 11, command: 'kthing' });
    expect(portOwner(8001, proc)).toBeUndefined();
    expect(portOwner(8002, proc)).toBeUndefined();
  } finally {
    rmSync(proc, { recursive: true, force: true });
  }
});
