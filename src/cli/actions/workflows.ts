import { ChainbotError } from '#core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#core/json.ts';
import { sourceType } from '../definition-file.ts';
import type { ExitCode } from '../exit-codes.ts';
import { readText } from '../input.ts';
import type { Session } from '../session.ts';
import { printDefinition } from '../view/definition.ts';
import { printable } from '../view/text.ts';
import { ago, brief, localTime } from '../view/values.ts';

export interface ShowWorkflowOptions {
  readonly version?: number;
  readonly source?: boolean;
}

export async function list({ api, screen, json, io }: Session): Promise<void> {
  const answer = await (await api()).workflows();
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'NAME', min: 16 },
      { title: 'VERSION', align: 'right', min: 7 },
      { title: 'STARTED BY', min: 8 },
      { title: 'CHANGED', optional: true, min: 12 },
      { title: 'DESCRIPTION', optional: true, min: 16 },
    ],
    answer.workflows.map((workflow) => [
      printable(workflow.name),
      String(workflow.version),
      workflow.triggers.map((trigger) => triggerText(trigger as JsonObject)).join(', ') || 'manual',
      ago(workflow.updated_at, io.clock.now()),
      printable(workflow.description ?? ''),
    ]),
    'There are no workflows yet. Add one: chainbot workflows add FILE',
  );
}

/** `schedule *\/5 * * * *`, `mqtt greenhouse/report`, `device freezer above -15 for 10m`. */
export function triggerText(trigger: JsonObject): string {
  const parts: (Json | undefined)[] = [trigger.type];
  if (trigger.type === 'device') {
    parts.push(trigger.device);
    for (const key of ['to', 'above', 'below', 'for'] as const) {
      if (trigger[key] !== undefined) parts.push(key, trigger[key]);
    }
    if (trigger.stale === true) parts.push('stale');
  } else if (trigger.every !== undefined) parts.push('every', trigger.every);
  else
    parts.push(
      trigger.cron ?? trigger.topic ?? trigger.event ?? trigger.folder ?? trigger.workflow ?? trigger.name,
    );
  return parts
    .filter((part) => part !== undefined)
    .map(brief)
    .join(' ');
}

export async function show(session: Session, name: string, options: ShowWorkflowOptions): Promise<void> {
  const { screen, json } = session;
  const workflow = await (await session.api()).workflow(name, options.version);
  if (json) return screen.json(workflow);
  if (options.source) {
    screen.line(workflow.source.replace(/\n$/, ''));
    return;
  }
  const definition: Json = workflow.definition;
  screen.fields([
    ['workflow', `${screen.paint('bold', printable(workflow.name))} version ${workflow.version}`],
    ['', workflow.description === null ? undefined : printable(workflow.description)],
    ['id', workflow.id],
    ['changed', localTime(workflow.updated_at)],
    [
      'started by',
      workflow.triggers.map((trigger) => triggerText(trigger as JsonObject)).join(', ') || 'manual',
    ],
  ]);
  if (isJsonObject(definition)) printDefinition(definition, screen);
}

export async function add(session: Session, file: string): Promise<ExitCode | undefined> {
  const source = await readText(file, session.io);
  const name = file === '-' ? 'standard input' : file;
  return storeDefinition(session, source, sourceType(file, source), name);
}

/** Stores a definition and says its version; its faults are told with their lines in `from`. */
export async function storeDefinition(
  session: Session,
  source: string,
  type: 'yaml' | 'json',
  from: string,
): Promise<ExitCode | undefined> {
  const api = await session.api();
  try {
    const saving = api.saveWorkflow(source, type);
    const { created, ...saved } = await session.progress.during('checking the definition', saving);
    if (session.json) session.screen.json(saved);
    else {
      const fact = created ? 'stored as' : 'is unchanged,';
      session.screen.line(`${printable(saved.name)} ${fact} version ${saved.version}`);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof ChainbotError)) throw error;
    return session.fail(error, from);
  }
}

export async function versions({ api, screen, json }: Session, name: string): Promise<void> {
  const answer = await (await api()).workflowVersions(name);
  if (json) return screen.json(answer);
  screen.table(
    [{ title: 'VERSION', align: 'right' }, { title: 'STORED', min: 19 }, { title: 'BY' }],
    answer.versions.map((version) => [
      String(version.version),
      localTime(version.created_at),
      printable(version.actor),
    ]),
    'It has no versions.',
  );
}

export async function remove({ api, screen, json }: Session, name: string): Promise<void> {
  await (await api()).removeWorkflow(name);
  if (json) return screen.json({ name, removed: true });
  screen.line(`${printable(name)} is out of use; its runs and versions stay`);
}
