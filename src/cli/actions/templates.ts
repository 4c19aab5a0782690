import { TerminalError } from '#core/errors.ts';
import { didYouMean } from '#core/near-names.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';
import { writeNew } from '../write-new.ts';
import { storeDefinition } from './workflows.ts';

export async function list(session: Session, name: string | undefined): Promise<void> {
  const { screen, json } = session;
  const { templates } = await (await session.api()).templates();
  if (name === undefined) {
    if (json) return screen.json({ templates });
    return screen.table(
      [
        { title: 'TEMPLATE', min: 16 },
        { title: 'DESCRIPTION', min: 20 },
      ],
      templates.map((template) => [printable(template.name), printable(template.description)]),
      'There are no templates.',
    );
  }
  const template = templates.find((one) => one.name === name);
  if (template === undefined) {
    const names = templates.map((one) => one.name);
    throw new TerminalError('not_found', 'template.not_found', `there is no template "${name}"`, {
      hint: didYouMean(name, names) ?? `There are ${names.join(', ')}.`,
    });
  }
  if (json) return screen.json(template);
  screen.line(`${screen.paint('bold', printable(template.name))}  ${printable(template.description)}`);
  screen.line();
  screen.table(
    [
      { title: 'PARAMETER', min: 10 },
      { title: 'TYPE', min: 8 },
      { title: 'DEFAULT', min: 8 },
      { title: 'DESCRIPTION', min: 20 },
    ],
    template.parameters.map((one) => [
      one.name,
      one.choices?.join('|') ?? one.type,
      one.default === undefined ? '(needed)' : printable([one.default, one.unit].filter(Boolean).join(' ')),
      printable(one.description),
    ]),
    'It asks for nothing.',
  );
}

export interface NewOptions {
  readonly template: string;
  readonly set: Readonly<Record<string, string>>;
  readonly out?: string;
  readonly add?: boolean;
}

export async function create(session: Session, options: NewOptions): Promise<ExitCode | undefined> {
  const { template, set, out, add } = options;
  const { source } = await (await session.api()).renderTemplate(template, set);
  if (add) return storeDefinition(session, source, 'yaml', template);
  if (out !== undefined) {
    await writeNew(out, source, session.io);
    session.screen.line(`wrote ${printable(out)}`);
  } else if (session.json) session.screen.json({ source });
  else session.screen.line(source.trimEnd());
  return undefined;
}
