import type { WorkflowDetail, WorkflowSummary } from '#workflows/runs-port.ts';
import type { WorkflowAnswer, WorkflowSummaryAnswer } from '../contract/workflow.ts';
import { rfc3339 } from './rfc3339.ts';

export function workflowSummaryAnswer(workflow: WorkflowSummary): WorkflowSummaryAnswer {
  return {
    id: workflow.id,
    name: workflow.name,
    version: workflow.version,
    description: workflow.description,
    triggers: workflow.triggers.map((trigger) => ({ ...trigger })),
    created_at: rfc3339(workflow.createdAt),
    updated_at: rfc3339(workflow.updatedAt),
  };
}

export function workflowAnswer(workflow: WorkflowDetail): WorkflowAnswer {
  return {
    ...workflowSummaryAnswer(workflow),
    definition: workflow.definition as unknown as WorkflowAnswer['definition'],
    source: workflow.source,
    source_type: workflow.sourceType,
  };
}
