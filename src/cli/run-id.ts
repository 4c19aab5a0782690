import type { ApiClient } from '#api/client.ts';
import { TerminalError } from '#core/errors.ts';
import { isId } from '#core/ids.ts';
import { printable } from './view/text.ts';

/** Among how many of the newest runs a prefix is looked for: one page of the API. */
const SEARCHED = 500;
const NAMED = 5;

/**
 * The id of the run that a person means: the whole id, the beginning of it (as tables cut it, with or without
 * the …), or `last` for the newest run.
 * @throws TerminalError `run.not_found`, `cli.run_ambiguous`
 */
export async function findRunId(api: ApiClient, text: string): Promise<string> {
  if (isId(text)) return text.toLowerCase();
  const prefix = text.replace(/(…|\.{3})$/, '').toLowerCase();
  const { runs } = await api.runs({ limit: prefix === 'last' ? 1 : SEARCHED });
  const found = prefix === 'last' ? runs.slice(0, 1) : runs.filter((run) => run.id.startsWith(prefix));
  if (found.length > 1)
    throw ambiguous(
      text,
      found.map((run) => run.id),
    );
  if (found[0] !== undefined) return found[0].id;
  throw new TerminalError('not_found', 'run.not_found', `there is no run "${printable(text)}"`, {
    hint: `The beginning of an id is looked for among the newest ${SEARCHED} runs: chainbot runs list`,
  });
}

function ambiguous(text: string, ids: readonly string[]): TerminalError {
  const named = ids.slice(0, NAMED).join(', ');
  return new TerminalError(
    'invalid',
    'cli.run_ambiguous',
    `"${text}" is the beginning of ${ids.length} runs`,
    {
      hint: `Write more of the id: ${named}${ids.length > NAMED ? ' …' : ''}`,
    },
  );
}
