import { expect, test } from 'vitest';
import { approvalListSchema, approvalSchema } from '#api/contract/approval.ts';
import { deviceListSchema, deviceSchema, readingSchema } from '#api/contract/device.ts';
import { eventPageSchema } from '#api/contract/event.ts';
import { healthSchema, infoSchema } from '#api/contract/module.ts';
import { notificationListSchema, notificationSchema } from '#api/contract/notification.ts';
import { emailSchema, outboxSchema } from '#api/contract/outbox.ts';
import { problemSchema } from '#api/contract/problem.ts';
import { runListSchema, runSchema, runSummarySchema } from '#api/contract/run.ts';
import { rotatedSchema, secretListSchema, secretSchema } from '#api/contract/secret.ts';
import { newTokenSchema, tokenListSchema } from '#api/contract/token.ts';
import { triggerListSchema } from '#api/contract/trigger.ts';
import {
  savedWorkflowSchema,
  workflowListSchema,
  workflowSchema,
  workflowVersionsSchema,
} from '#api/contract/workflow.ts';
import { RUN_ID, sample } from '../../tests/cli/samples.ts';
import type { TestAnswer } from '../../tests/cli/test-daemon.ts';

const SCHEMAS = {
  'GET /info': infoSchema,
  'GET /health': healthSchema,
  'GET /triggers': triggerListSchema,
  'GET /workflows': workflowListSchema,
  'GET /workflows/greenhouse-cooling': workflowSchema,
  'GET /workflows/greenhouse-cooling/versions': workflowVersionsSchema,
  'POST /workflows': savedWorkflowSchema,
  'POST /workflows/greenhouse-cooling/runs': runSummarySchema,
  'GET /runs': runListSchema,
  [`GET /runs/${RUN_ID}`]: runSchema,
  'GET /devices': deviceListSchema,
  'GET /devices/greenhouse_fan': deviceSchema,
  'POST /devices/greenhouse_temp/read': readingSchema,
  'POST /devices/greenhouse_fan': readingSchema,
  'POST /simulator/greenhouse_temp': readingSchema,
  'GET /events': eventPageSchema,
  'GET /tokens': tokenListSchema,
  'POST /tokens': newTokenSchema,
  'PUT /secrets/weather': secretSchema,
  'GET /secrets': secretListSchema,
  'POST /secrets/rotate': rotatedSchema,
  'GET /approvals': approvalListSchema,
  'POST /approvals/ap1/approve': approvalSchema,
  'POST /approvals/ap1/reject': approvalSchema,
  'GET /notifications': notificationListSchema,
  'POST /notifications/n1/acknowledge': notificationSchema,
  'GET /outbox': outboxSchema,
  'POST /outbox/e1/retry': emailSchema,
  'POST /outbox/e1/withdraw': emailSchema,
};

test.each(Object.entries(SCHEMAS))(
  'what the tests take for the answer to %s is one by the contract',
  (route, schema) => {
    schema.parse((sample.routes[route] as TestAnswer).body);
  },
);

test('every sample with a body is held to the contract', () => {
  const bodies = Object.entries(sample.routes).filter(([, answer]) => 'body' in answer);
  expect(bodies.map(([route]) => route).sort()).toEqual(Object.keys(SCHEMAS).sort());
  expect(problemSchema.safeParse({}).success).toBe(false);
});
