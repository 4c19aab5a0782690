import { eventRow } from '#bus/event-row.ts';
import { type Actor, actorText } from '#core/actor.ts';
import type { Clock } from '#core/clock.ts';
import { TerminalError } from '#core/errors.ts';
import type { ReaderPort, WriterPort } from '#store/port.ts';
import { Unit } from '#store/unit.ts';
import type { ApprovalRecord, ApprovalsPort } from '../port.ts';
import type { ApprovalBox } from './approval-box.ts';
import {
  type ApprovalOfRunRow,
  approvalById,
  decideApproval,
  newestApprovals,
  openApprovals,
} from './approvals-table.ts';
import type { Launcher } from './launcher.ts';
import { parsed } from './run-view.ts';

/** What people are asked by approval steps, and their answers. */
export class Approvals implements ApprovalsPort {
  readonly #store: { readonly reader: ReaderPort; readonly writer: WriterPort };
  readonly #launcher: Pick<Launcher, 'roster' | 'wake'>;
  readonly #box: ApprovalBox;
  readonly #clock: Clock;

  constructor(
    store: { readonly reader: ReaderPort; readonly writer: WriterPort },
    launcher: Pick<Launcher, 'roster' | 'wake'>,
    box: ApprovalBox,
    clock: Clock,
  ) {
    this.#store = store;
    this.#launcher = launcher;
    this.#box = box;
    this.#clock = clock;
  }

  list({ all, limit }: { readonly all: boolean; readonly limit: number }): readonly ApprovalRecord[] {
    return this.#store.reader.all(all ? newestApprovals : openApprovals, { limit }).map(approvalRecord);
  }

  get(id: string): ApprovalRecord {
    return approvalRecord(this.#row(id));
  }

  approve(id: string, comment: string | null, actor: Actor): Promise<ApprovalRecord> {
    return this.#answer(id, 'approved', comment, actor);
  }

  reject(id: string, comment: string | null, actor: Actor): Promise<ApprovalRecord> {
    return this.#answer(id, 'rejected', comment, actor);
  }

  async #answer(
    id: string,
    status: 'approved' | 'rejected',
    comment: string | null,
    actor: Actor,
  ): Promise<ApprovalRecord> {
    const row = this.#row(id);
    assertOpen(approvalRecord(row));
    const by = actorText(actor);
    const now = this.#clock.now();
    const data = {
      ...{ id: row.id, run: row.run_id, workflow: row.workflow, path: row.path },
      ...{ approved: status === 'approved', comment },
    };
    const unit = new Unit()
      .add(decideApproval, { id: row.id, status, actor: by, comment, decided_at: now }, 1)
      .event(eventRow('chainbot.approval.answered', `approval/${row.id}`, by, data, now));
    try {
      await this.#store.writer.commit(unit);
    } catch (error) {
      // Somebody was faster, or its run went on: that is said.
      if (error instanceof TerminalError && error.code === 'store.guard') assertOpen(this.get(id));
      throw error;
    }
    this.#box.notify(row.run, row.path);
    const live = this.#launcher.roster.get(row.run_id);
    if (live) this.#launcher.wake(live);
    return this.get(id);
  }

  #row(id: string): ApprovalOfRunRow {
    const row = this.#store.reader.get(approvalById, { id: id.toLowerCase() });
    if (row) return row;
    throw new TerminalError('not_found', 'approval.not_found', `there is no approval ${id}`, {
      hint: 'See `chainbot approvals list`.',
    });
  }
}

function assertOpen({ id, status, decidedBy }: ApprovalRecord): void {
  if (status === 'open') return;
  if (status === 'withdrawn') {
    throw new TerminalError(
      'conflict',
      'approval.withdrawn',
      `approval ${id} is no longer asked: its run went on`,
    );
  }
  if (status === 'expired') {
    throw new TerminalError('conflict', 'approval.expired', `approval ${id} was not answered in time`);
  }
  throw new TerminalError('conflict', 'approval.answered', `approval ${id} was ${status} by ${decidedBy}`, {
    hint: 'An answer stands. See what its run did with `chainbot runs show`.',
  });
}

function approvalRecord(row: ApprovalOfRunRow): ApprovalRecord {
  const isAsked = row.status !== 'open' || row.step_status === 'waiting';
  return {
    id: row.id,
    run: row.run_id,
    workflow: row.workflow,
    path: row.path,
    title: row.title,
    body: row.body,
    roles: parsed<readonly string[]>(row.roles),
    status: isAsked ? row.status : 'withdrawn',
    deadlineAt: row.deadline_at,
    default: row.fallback as ApprovalRecord['default'],
    createdAt: row.created_at,
    decidedAt: row.decided_at,
    decidedBy: row.actor,
    comment: row.comment,
  };
}
