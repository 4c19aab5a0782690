import type { BulkOptions } from '#api/client.ts';
import { TerminalError } from '#core/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';

/** One verb for all runs that the options name; exits 1 when one of them was refused. */
export async function bulk(session: Session, options: BulkOptions): Promise<ExitCode> {
  const { screen, json } = session;
  const { verb, workflow, status, version, limit } = options;
  if (workflow === undefined && status === undefined) {
    throw new TerminalError('invalid', 'cli.runs_unnamed', `which runs is ${verb} for?`, {
      hint: 'Give a run, or --workflow and --status.',
    });
  }
  const api = await session.api();
  const asked = api.bulkRuns({ verb, workflow, status, version, limit });
  const { results, more } = await session.progress.during(`${verb} …`, asked);
  const refused = results.filter(({ error }) => error !== null);
  if (json) screen.json({ results, more });
  else {
    screen.table(
      [
        { title: 'RUN', min: 14 },
        { title: 'WORKFLOW', min: 12 },
        { title: 'NOW', min: 11 },
        { title: 'ERROR', min: 12, optional: true },
      ],
      results.map((result) => [
        result.id,
        printable(result.workflow),
        result.error ? 'refused' : result.status ? screen.status(result.status) : 'deleted',
        printable(result.error?.message ?? ''),
      ]),
      'There are no such runs.',
    );
    if (more) screen.note(screen.paintNote('dim', 'There are more: the same command again, or --limit'));
  }
  return refused.length === 0 ? EXIT.ok : EXIT.failed;
}
