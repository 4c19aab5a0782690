import type { WorkflowDiff } from '#api/contract/workflow.ts';
import type { Session } from '../session.ts';
import type { Screen } from '../view/screen.ts';
import { printable } from '../view/text.ts';
import { brief } from '../view/values.ts';

type Change = WorkflowDiff['changes'][number];

const SIGN = { added: '+', removed: '-', changed: '~', moved: '>' } as const;

/** What is different, step by step: `+` is new, `-` is gone, `~` has changed, `>` stands elsewhere. */
export async function diff(
  session: Session,
  name: string,
  from: number,
  to: number | undefined,
): Promise<void> {
  const api = await session.api();
  const newest = to ?? (await api.workflow(name)).version;
  const answer = await api.workflowDiff(name, from, newest);
  if (session.json) return session.screen.json(answer);
  session.screen.line(`${printable(name)}  version ${answer.from} → ${answer.to}`);
  if (answer.changes.length === 0) session.screen.line('  They are the same.');
  for (const change of answer.changes) printChange(change, session.screen);
}

function printChange(change: Change, screen: Screen): void {
  const { kind, step, at, fields } = change;
  const where = step === null || at === 'steps' ? '' : `  in ${printable(at)}`;
  screen.line(`${SIGN[kind]} ${step === null ? printable(at) : `step ${printable(step)}`}${where}`);
  for (const { field, before, after } of fields) {
    const name = step === null ? '' : `${printable(field)}: `;
    if (kind !== 'added') screen.line(`    - ${name}${screen.fitted(brief(before), 6 + name.length)}`);
    if (kind !== 'removed') screen.line(`    + ${name}${screen.fitted(brief(after), 6 + name.length)}`);
  }
}

export async function rollback(session: Session, name: string, version: number): Promise<void> {
  const saved = await (await session.api()).rollbackWorkflow(name, version);
  if (session.json) return session.screen.json(saved);
  session.screen.line(`${printable(name)} is as in version ${version} again: version ${saved.version}`);
}
