import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Daemon, load } from './daemon.ts';
import { FIVE_STEPS } from './in-process.ts';

const RUNS = '/api/chainbot/workflows/five-steps/runs';
const BODY = '{"input":{"n":2}}';

/** Runs per second from the first request until the last run has ended; the client waits for each 202. */
export async function runsOverHttp(
  daemon: Daemon,
  token: string,
  count: number,
): Promise<{ completed: number; accepted: number; p99: number }> {
  const before = await daemon.metric('runs_ended_total{status="completed"}');
  const began = performance.now();
  const sent = await load({
    port: daemon.port,
    connections: 50,
    count,
    method: 'POST',
    path: RUNS,
    token,
    body: BODY,
  });
  if (sent.errors > 0) throw new Error(`${sent.errors} starts were refused`);
  for (let left = 600; left > 0; left--) {
    if ((await daemon.metric('runs_ended_total{status="completed"}')) - before >= count) break;
    await pause(5);
  }
  return { completed: count / ((performance.now() - began) / 1000), accepted: sent.perSecond, p99: sent.p99 };
}

/** The same GET against the daemon and against bare node:http with the same bytes, alternating. */
export async function getAgainstBare(
  daemon: Daemon,
  token: string,
  path: string,
  rounds: number,
): Promise<{ ours: number[]; bare: number[] }> {
  const answer = JSON.stringify(await daemon.get(path));
  const peer = spawn(process.execPath, [join(import.meta.dirname, 'bare-http.ts'), answer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(peer.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const what = { connections: 50, count: 15_000, method: 'GET', path, token } as const;
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push((await load({ ...what, port })).perSecond);
    ours.push((await load({ ...what, port: daemon.port })).perSecond);
  }
  peer.kill('SIGTERM');
  return { ours, bare };
}

/** A daemon with the benchmark's workflow, one ended run and a token. */
export async function preparedDaemon(): Promise<{ daemon: Daemon; token: string; run: string }> {
  const daemon = new Daemon();
  await daemon.start();
  await daemon.get('/api/chainbot/workflows', 'POST', FIVE_STEPS);
  const { token } = await daemon.get<{ token: string }>('/api/chainbot/tokens', 'POST', '{"name":"bench"}');
  const { id } = await daemon.get<{ id: string }>(RUNS, 'POST', BODY);
  await pause(300);
  return { daemon, token, run: id };
}
