import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { load } from './daemon.ts';
import { median } from './rounds.ts';

/** One number of a peer. */
export interface PeerLine {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** An HTTP request, five function nodes like our five steps, an answer: nothing of it is on disk. */
function flow(): unknown[] {
  const functions = [
    'msg.a = msg.payload.input.n + 1; return msg;',
    'msg.b = {value: msg.a * 2}; return msg;',
    'msg.c = msg.b.value + msg.a; return msg;',
    'msg.d = {text: "n is " + msg.c}; return msg;',
    'msg.payload = {value: msg.c, text: msg.d.text}; return msg;',
  ];
  const steps = functions.map((func, index) => ({
    ...{
      id: `f${index}`,
      type: 'function',
      z: 'tab',
      func,
      outputs: 1,
      wires: [[index < 4 ? `f${index + 1}` : 'out']],
    },
  }));
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    { id: 'in', type: 'http in', z: 'tab', url: '/five', method: 'post', wires: [['f0']] },
    ...steps,
    { id: 'out', type: 'http response', z: 'tab', wires: [] },
  ];
}

/** Installs Node-RED in a temporary folder and runs the same flow in it. */
export async function peers(rounds: number): Promise<PeerLine[]> {
  console.log('\nNode-RED (not durable), the same five steps; the client waits for the answer');
  const directory = mkdtempSync(join(tmpdir(), 'chainbot-bench-node-red-'));
  const port = 18_800 + (process.pid % 1000);
  try {
    execFileSync('npm', ['install', '--no-save', '--no-package-lock', '--prefix', directory, 'node-red@5'], {
      stdio: 'ignore',
    });
    writeFileSync(join(directory, 'flows.json'), JSON.stringify(flow()));
    writeFileSync(
      join(directory, 'settings.js'),
      `module.exports = { uiPort: ${port}, uiHost: '127.0.0.1', flowFile: 'flows.json', telemetry: { enabled: false } };`,
    );
    const began = performance.now();
    const red = join(directory, 'node_modules/node-red/red.js');
    const child = spawn(process.execPath, [red, '--userDir', directory], { stdio: 'ignore' });
    const what = {
      port,
      connections: 50,
      count: 8000,
      method: 'POST',
      path: '/five',
      body: '{"input":{"n":2}}',
    } as const;
    try {
      await answers(port);
      const start = (performance.now() - began) / 1000;
      const rates: number[] = [];
      for (let round = 0; round < rounds; round++) rates.push((await load(what)).perSecond);
      await pause(5000);
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return [
        { name: 'Node-RED: start to the first answer', value: start, unit: 's' },
        { name: 'Node-RED: five function nodes over HTTP at 50', value: median(rates), unit: 'requests/s' },
        {
          name: 'Node-RED: resident memory afterwards',
          value: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
          unit: 'MiB',
        },
      ];
    } finally {
      child.kill('SIGTERM');
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<void> {
  for (let left = 1200; left > 0; left--) {
    const answer = await fetch(`http://127.0.0.1:${port}/five`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"input":{"n":2}}',
    }).catch(() => undefined);
    if (answer?.ok) return;
    await pause(25);
  }
  throw new Error('Node-RED did not come up within 30 s');
}
