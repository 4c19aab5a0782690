import { TerminalError } from '#core/errors.ts';
import { findRunId } from '../run-id.ts';
import type { Session } from '../session.ts';

/** Prints the whole output of a step, or of the run, as it comes: it may be many megabytes. */
export async function output(session: Session, text: string, path: string | undefined): Promise<void> {
  const api = await session.api();
  const id = await findRunId(api, text);
  const decoder = new TextDecoder();
  for await (const piece of api.output(id, path))
    session.io.stdout.write(decoder.decode(piece, { stream: true }));
  session.screen.line(decoder.decode());
}

export interface GraphOptions {
  readonly format: 'mermaid' | 'json';
  readonly version?: number;
  readonly run?: string;
}

export async function graph(session: Session, name: string, options: GraphOptions): Promise<void> {
  const { screen } = session;
  const api = await session.api();
  const { version } = options;
  const run = options.run === undefined ? undefined : await findRunId(api, options.run);
  const of = run === undefined ? api.graph(name, version) : api.runGraph(run);
  const found = await of;
  if (found.workflow !== name) throw otherWorkflow(name, found.workflow);
  if (session.json || options.format === 'json') return screen.json(found);
  const drawn = await api.mermaid(run === undefined ? { workflow: name, version } : { run });
  screen.line(drawn.trimEnd());
}

function otherWorkflow(wanted: string, is: string): TerminalError {
  return new TerminalError('invalid', 'cli.run_of_other', `that run is one of "${is}", not of "${wanted}"`, {
    hint: `chainbot workflows graph ${is} --run …`,
  });
}
