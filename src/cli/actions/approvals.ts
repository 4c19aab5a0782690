import type { ApprovalAnswer } from '#api/contract/approval.ts';
import { idBeginningWith } from '../id-beginning.ts';
import type { Session } from '../session.ts';
import type { Colour } from '../view/style.ts';
import { printable } from '../view/text.ts';
import { localTime } from '../view/values.ts';

const SEARCHED = 500;
const COLOUR: Readonly<Record<ApprovalAnswer['status'], Colour>> = {
  open: 'yellow',
  approved: 'green',
  rejected: 'red',
  expired: 'dim',
  withdrawn: 'dim',
};

export async function list(
  { api, screen, json }: Session,
  options: { readonly all?: boolean; readonly limit: number },
): Promise<void> {
  const answer = await (await api()).approvals(options.all ? 'all' : 'open', options.limit);
  if (json) return screen.json(answer);
  screen.table(
    [
      { title: 'ASKED', min: 19 },
      { title: 'STATUS', min: 8 },
      { title: 'TITLE', min: 14 },
      { title: 'WORKFLOW', min: 10 },
      { title: 'UNTIL', min: 19, optional: true },
      { title: 'TEXT', min: 12, optional: true },
      { title: 'APPROVAL', min: 36 },
    ],
    answer.approvals.map((approval) => [
      localTime(approval.created_at),
      screen.paint(COLOUR[approval.status], approval.status),
      printable(approval.title),
      printable(approval.workflow),
      approval.deadline === null ? '' : untilText(approval),
      printable(approval.body),
      approval.id,
    ]),
    options.all ? 'Nobody was asked anything yet.' : 'Nothing waits for an answer.',
  );
}

export async function answer(
  session: Session,
  verb: 'approve' | 'reject',
  text: string,
  comment: string | undefined,
): Promise<void> {
  const api = await session.api();
  const newest = async () => (await api.approvals('all', SEARCHED)).approvals;
  const id = await idBeginningWith(text, 'approval', newest);
  const done = await (verb === 'approve' ? api.approve(id, comment) : api.reject(id, comment));
  if (session.json) return session.screen.json(done);
  session.screen.line(`"${printable(done.title)}" is ${done.status}; run ${done.run} goes on`);
}

function untilText({ deadline, default: fallback }: ApprovalAnswer): string {
  const then = fallback === null ? '' : `, then ${fallback}`;
  return `${localTime(deadline ?? '')}${then}`;
}
