import type { ApprovalRecord, ApprovalsPort } from '#workflows/port.ts';
import { ok } from '../answer.ts';
import {
  type ApprovalAnswer,
  answerBody,
  approvalListSchema,
  approvalParams,
  approvalSchema,
  approvalsQuery,
} from '../contract/approval.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { rfc3339, rfc3339OrNull } from '../wire/rfc3339.ts';

const tag = 'approvals';

export function approvalRoutes(approvals: ApprovalsPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/approvals',
      tag,
      summary: 'List what people are asked by runs',
      query: approvalsQuery,
      answers: { 200: { description: 'The approvals', schema: approvalListSchema } },
      handle: ({ query: { status, limit } }) =>
        ok({ approvals: approvals.list({ all: status === 'all', limit }).map(approvalAnswer) }),
    }),
    endpoint({
      method: 'get',
      path: '/approvals/{id}',
      tag,
      summary: 'Show what is asked, and the answer',
      params: approvalParams,
      answers: { 200: { description: 'The approval', schema: approvalSchema } },
      handle: ({ params }) => ok(approvalAnswer(approvals.get(params.id))),
    }),
    answerRoute('approve', 'Say yes; the first answer stands', approvals),
    answerRoute('reject', 'Say no; the first answer stands', approvals),
  ];
}

function answerRoute(verb: 'approve' | 'reject', summary: string, approvals: ApprovalsPort): Endpoint {
  return endpoint({
    method: 'post',
    path: `/approvals/{id}/${verb}`,
    tag,
    summary,
    params: approvalParams,
    body: { kind: 'json', schema: answerBody, optional: true },
    answers: {
      200: { description: 'The approval with its answer, which is on disk', schema: approvalSchema },
    },
    handle: async ({ params, body, actor }) =>
      ok(approvalAnswer(await approvals[verb](params.id, body.comment ?? null, actor))),
  });
}

function approvalAnswer(record: ApprovalRecord): ApprovalAnswer {
  const { id, run, workflow, path, title, body, roles, status } = record;
  return {
    ...{ id, run, workflow, path, title, body, status, roles: roles && [...roles] },
    deadline: rfc3339OrNull(record.deadlineAt),
    default: record.default,
    created_at: rfc3339(record.createdAt),
    decided_at: rfc3339OrNull(record.decidedAt),
    decided_by: record.decidedBy,
    comment: record.comment,
  };
}
