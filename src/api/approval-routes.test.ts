import { afterEach, beforeEach, expect, test } from 'vitest';
import { actorText } from '#core/actor.ts';
import { TerminalError } from '#core/errors.ts';
import type { ApprovalRecord, ApprovalsPort } from '#workflows/port.ts';
import { type ApiHarness, call, startApi } from '../../tests/api/api-harness.ts';

const asked: ApprovalRecord = {
  ...{ id: 'ap1', run: 'r1', workflow: 'w', path: 'ask', title: 'Open?', body: '', roles: null },
  ...{ status: 'open', deadlineAt: 1_700_000_000_000, default: null, createdAt: 1_600_000_000_000 },
  ...{ decidedAt: null, decidedBy: null, comment: null },
};

class FakeApprovals implements ApprovalsPort {
  one = asked;
  readonly filters: object[] = [];

  list(filter: { readonly all: boolean; readonly limit: number }): readonly ApprovalRecord[] {
    this.filters.push(filter);
    return [this.one];
  }

  get(id: string): ApprovalRecord {
    if (id === this.one.id) return this.one;
    throw new TerminalError('not_found', 'approval.not_found', 'there is no such approval');
  }

  async approve(...[id, comment, actor]: Parameters<ApprovalsPort['approve']>): Promise<ApprovalRecord> {
    if (this.get(id).status !== 'open') throw new TerminalError('conflict', 'approval.answered', 'too late');
    this.one = { ...this.one, status: 'approved', decidedAt: 1, decidedBy: actorText(actor), comment };
    return this.one;
  }

  async reject(...[id, comment]: Parameters<ApprovalsPort['reject']>): Promise<ApprovalRecord> {
    this.one = { ...this.get(id), status: 'rejected', comment };
    return this.one;
  }
}

let api: ApiHarness;
let approvals: FakeApprovals;
beforeEach(async () => {
  approvals = new FakeApprovals();
  api = await startApi({ approvals });
});
afterEach(() => api.close());

test('list and show', async () => {
  const list = (await (await call(api, '/approvals')).json()) as object;
  expect(list).toMatchObject({
    approvals: [{ id: 'ap1', status: 'open', deadline: '2023-11-14T22:13:20.000Z' }],
  });
  await call(api, '/approvals?status=all&limit=7');
  expect(approvals.filters).toEqual([
    { all: false, limit: 50 },
    { all: true, limit: 7 },
  ]);
  expect((await call(api, '/approvals?status=some')).status).toBe(400);
  expect(await (await call(api, '/approvals/ap1')).json()).toMatchObject({ title: 'Open?' });
  expect((await call(api, '/approvals/ap2')).status).toBe(404);
});

test('the first answer stands', async () => {
  const body = JSON.stringify({ comment: 'go' });
  const headers = { 'content-type': 'application/json' };
  const yes = await call(api, '/approvals/ap1/approve', { method: 'POST', body, headers });
  expect(await yes.json()).toMatchObject({ status: 'approved', comment: 'go', decided_by: 'token:t1' });
  const again = await call(api, '/approvals/ap1/approve', { method: 'POST' });
  expect(again.status).toBe(409);
  expect(await again.json()).toMatchObject({ code: 'approval.answered' });
});

test('reject, without a comment', async () => {
  const no = await call(api, '/approvals/ap1/reject', { method: 'POST' });
  expect(await no.json()).toMatchObject({ status: 'rejected', comment: null });
});
