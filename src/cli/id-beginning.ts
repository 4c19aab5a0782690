import { TerminalError } from '#core/errors.ts';
import { printable } from './view/text.ts';

const WHOLE = 36;
const NAMED = 5;

/**
 * The id that a person means by the beginning of it, as tables cut it, with or without the …; a whole one is
 * taken as it is.
 * @throws TerminalError `<what>.not_found`, `cli.id_ambiguous`
 */
export async function idBeginningWith(
  text: string,
  what: 'approval' | 'email' | 'notification',
  newest: () => Promise<readonly { readonly id: string }[]>,
): Promise<string> {
  if (text.length >= WHOLE) return text.toLowerCase();
  const prefix = text.replace(/(…|\.{3})$/, '').toLowerCase();
  const [found, ...others] = (await newest()).filter(({ id }) => id.startsWith(prefix));
  if (found && others.length === 0) return found.id;
  if (!found)
    throw new TerminalError('not_found', `${what}.not_found`, `there is no ${what} "${printable(text)}"`);
  const named = [found, ...others].slice(0, NAMED).map(({ id }) => id);
  const message = `"${printable(text)}" is the beginning of ${others.length + 1} ids`;
  throw new TerminalError('invalid', 'cli.id_ambiguous', message, {
    hint: `Write more of it: ${named.join(', ')}`,
  });
}
