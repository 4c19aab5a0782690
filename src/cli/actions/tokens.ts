import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';
import { ago, localTime } from '../view/values.ts';

/** The token alone goes to standard output; what to do with it is said beside it. */
export async function create({ api, screen, json }: Session, name: string): Promise<void> {
  const answer = await (await api()).createToken(name);
  if (json) return screen.json(answer);
  screen.line(answer.token);
  screen.note(
    screen.paintNote('dim', `This is the only time it is shown. Use it as $CHAINBOT_TOKEN, or in a request:`),
  );
  screen.note(screen.paintNote('dim', `  Authorization: Bearer TOKEN`));
}

export async function list({ api, screen, json, io }: Session): Promise<void> {
  const answer = await (await api()).tokens();
  if (json) return screen.json(answer);
  const now = io.clock.now();
  screen.table(
    [
      { title: 'NAME', min: 12 },
      { title: 'TOKEN', min: 14 },
      { title: 'MADE', min: 19, optional: true },
      { title: 'LAST USED', min: 12 },
    ],
    answer.tokens.map((token) => [
      printable(token.name),
      token.id,
      localTime(token.created_at),
      ago(token.last_used_at, now),
    ]),
    'There are no tokens. Make one: chainbot token create --name NAME',
  );
}

export async function revoke(session: Session, idOrName: string): Promise<void> {
  const api = await session.api();
  const { tokens } = await api.tokens();
  const token = tokens.find(({ id }) => id === idOrName) ?? tokens.find(({ name }) => name === idOrName);
  const id = token?.id ?? idOrName;
  await api.revokeToken(id);
  if (session.json) return session.screen.json({ id, revoked: true });
  session.screen.line(`${printable(token?.name ?? id)} does not work any more`);
}
