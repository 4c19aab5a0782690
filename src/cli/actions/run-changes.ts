import { readJson } from '../input.ts';
import { findRunId } from '../run-id.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';

export interface ForkRunOptions {
  readonly step?: string;
  readonly input?: string;
  readonly version?: number;
}

/** Standard output has the new run's id and nothing else, as that of `run`. */
export async function fork(session: Session, text: string, options: ForkRunOptions): Promise<void> {
  const { step, version } = options;
  const input =
    options.input === undefined ? undefined : await readJson(options.input, '--input', session.io);
  const api = await session.api();
  const run = await api.forkRun(await findRunId(api, text), { step, version, input });
  if (session.json) return session.screen.json(run);
  session.screen.line(run.id);
}

export async function migrate(session: Session, text: string, version: number | undefined): Promise<void> {
  const api = await session.api();
  const run = await api.migrateRun(await findRunId(api, text), version);
  if (session.json) return session.screen.json(run);
  session.screen.line(`${printable(run.workflow)} version ${run.version}  ${run.id}`);
}

export async function remove(session: Session, text: string): Promise<void> {
  const api = await session.api();
  const id = await findRunId(api, text);
  await api.deleteRun(id);
  if (session.json) return session.screen.json({ id, deleted: true });
  session.screen.line(`deleted  ${id}`);
}

export async function verbs({ api, screen, json }: Session): Promise<void> {
  const answer = await (await api()).runVerbs();
  if (json) return screen.json(answer);
  screen.table(
    [{ title: 'VERB', min: 8 }, { title: 'WHILE A RUN IS' }],
    Object.entries(answer.verbs).map(([verb, statuses]) => [verb, statuses.join(', ')]),
    'There are no verbs.',
  );
}
