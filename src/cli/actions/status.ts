import type { ApiClient } from '#api/client.ts';
import type { HealthAnswer, InfoAnswer } from '#api/contract/module.ts';
import { formatDuration } from '#core/duration.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import { VERSION } from '../version.ts';
import type { Screen } from '../view/screen.ts';
import { printable } from '../view/text.ts';
import { timeMs } from '../view/values.ts';
import { clockNote } from './triggers.ts';

/** How many active runs are counted before it says "or more". */
const COUNTED_RUNS = 500;
const HEALTH_COLOUR = { ok: 'green', degraded: 'yellow', failed: 'red' } as const;

export async function status(session: Session): Promise<void> {
  const api = await session.api();
  const [info, health, counts] = await session.progress.during(
    'asking the daemon',
    Promise.all([api.info(), api.health(), readCounts(api)]),
  );
  if (session.json) {
    session.screen.json({ info, health, ...counts });
    return;
  }
  const { screen } = session;
  screen.fields([
    [
      'ChainBot',
      `${printable(info.version)}, up ${uptime(info, session.io.clock.now())}, pid ${info.pid}, Node ${printable(info.node)}`,
    ],
    ['health', healthText(health, screen)],
    ['device', printable(info.device_id)],
    [
      'api',
      [info.api.url, info.api.socket]
        .filter((place) => place !== null)
        .map(printable)
        .join('  '),
    ],
    ['broker', brokerText(info)],
    ['database', `${printable(info.database.path)} (schema ${info.database.schema_version})`],
    ['clock', clockNote(info.clock)],
    ['workflows', countText(counts.workflows)],
    ['runs', runsText(counts)],
    ['devices', devicesText(counts)],
  ]);
  printReasons(health, screen);
}

/** @returns 1 when the daemon is not well */
export async function health(session: Session): Promise<ExitCode> {
  const api = await session.api();
  const answer = await session.progress.during('asking the daemon', api.health());
  if (session.json) session.screen.json(answer);
  else printHealth(answer, session.screen);
  return answer.status === 'ok' ? EXIT.ok : EXIT.failed;
}

/** The daemon need not be there: the command's own version is known without it. */
export async function version(session: Session): Promise<void> {
  const info = await session
    .api()
    .then((api) => api.info())
    .catch(() => undefined);
  if (session.json) {
    session.screen.json({ command: VERSION, daemon: info?.version ?? null });
    return;
  }
  session.screen.line(`chainbot ${VERSION}`);
  session.screen.line(info ? `daemon   ${printable(info.version)}` : 'daemon   not reached');
}

interface Counts {
  readonly workflows: number | null;
  readonly runs: { readonly active: number | null; readonly more: boolean; readonly waiting: number | null };
  readonly devices: { readonly total: number | null; readonly faulty: number | null };
}

// A degraded daemon answers some of these with an error; the rest is still worth seeing.
async function readCounts(api: ApiClient): Promise<Counts> {
  const [workflows, runs, devices] = await Promise.all([
    api.workflows().catch(() => undefined),
    api
      .runs({ status: ['queued', 'running', 'waiting', 'paused'], limit: COUNTED_RUNS })
      .catch(() => undefined),
    api.devices().catch(() => undefined),
  ]);
  return {
    workflows: workflows?.workflows.length ?? null,
    runs: {
      active: runs?.runs.length ?? null,
      more: runs !== undefined && runs.next !== null,
      waiting: runs?.runs.filter((run) => run.status === 'waiting').length ?? null,
    },
    devices: {
      total: devices?.devices.length ?? null,
      faulty: devices?.devices.filter((device) => device.quality !== 'good').length ?? null,
    },
  };
}

function uptime(info: InfoAnswer, now: number): string {
  return formatDuration(Math.max(0, now - (timeMs(info.started_at) ?? now)));
}

function healthText(answer: HealthAnswer, screen: Screen): string {
  return `${screen.paint(HEALTH_COLOUR[answer.status], answer.status)} (${score(answer.score)})`;
}

function score(value: number): string {
  return `${Math.floor(value * 100)} %`;
}

function brokerText(info: InfoAnswer): string {
  if (info.mqtt === null) return 'none';
  const { mode, connected, url, base_topic, backlog } = info.mqtt;
  const behind = backlog > 0 ? `, ${backlog} events behind` : '';
  return `${printable(url)} (${mode}, ${connected ? 'connected' : 'not connected'}${behind}), topics ${printable(base_topic)}/…`;
}

function countText(count: number | null): string {
  return count === null ? 'not known now' : String(count);
}

function runsText({ runs }: Counts): string {
  if (runs.active === null) return 'not known now';
  const waiting = runs.waiting ? `, of which ${runs.waiting} waiting` : '';
  return `${runs.active}${runs.more ? ' or more' : ''} active${waiting}`;
}

function devicesText({ devices }: Counts): string {
  if (devices.total === null) return 'not known now';
  return devices.faulty
    ? `${devices.total}, of which ${devices.faulty} without a good value`
    : String(devices.total);
}

/** What pulls the score down, and the remedy. */
function printReasons(answer: HealthAnswer, screen: Screen): void {
  for (const part of answer.parts.filter(({ score }) => score < 1)) {
    screen.line();
    screen.line(`${screen.paint('yellow', printable(part.name))} ${score(part.score)}`);
    for (const reason of part.reasons) screen.line(`  ${printable(reason)}`);
    for (const remedy of part.remedies)
      screen.line(`  ${screen.paint('cyan', 'remedy:')} ${printable(remedy)}`);
  }
}

function printHealth(answer: HealthAnswer, screen: Screen): void {
  screen.line(healthText(answer, screen));
  screen.line();
  screen.table(
    [
      { title: 'PART' },
      { title: 'SCORE', align: 'right' },
      { title: 'WEIGHT', align: 'right', optional: true },
    ],
    answer.parts.map((part) => [printable(part.name), score(part.score), String(part.weight)]),
    'The daemon names no parts.',
  );
  printReasons(answer, screen);
}
