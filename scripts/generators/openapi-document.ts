import { readFile } from 'node:fs/promises';
import { buildApp, openapiText } from '#api/api-app.ts';
import { DEFAULT_LIMITS } from '#api/api-deps.ts';
import { LiveStreams } from '#api/live-streams.ts';
import { approvalRoutes } from '#api/routes/approval-routes.ts';
import { deviceRoutes } from '#api/routes/device-routes.ts';
import { eventRoutes } from '#api/routes/event-routes.ts';
import { historyRoutes } from '#api/routes/history-routes.ts';
import { hookRoutes } from '#api/routes/hook-routes.ts';
import { moduleRoutes } from '#api/routes/module-routes.ts';
import { notificationRoutes } from '#api/routes/notification-routes.ts';
import { outboxRoutes } from '#api/routes/outbox-routes.ts';
import { runRoutes } from '#api/routes/run-routes.ts';
import { secretRoutes } from '#api/routes/secret-routes.ts';
import { tokenRoutes } from '#api/routes/token-routes.ts';
import { triggerRoutes } from '#api/routes/trigger-routes.ts';
import { workbenchRoutes } from '#api/routes/workbench-routes.ts';
import { workflowRoutes } from '#api/routes/workflow-routes.ts';
import { silentLog } from '#core/log.ts';

/** Stands for every port: a route's description asks none of them. */
const UNUSED = {} as never;

/**
 * docs/openapi.json, without a daemon: what `GET /api/chainbot/openapi.json` answers, indented. That the list
 * of routes is the daemon's is held by tests/openapi-document.test.ts.
 */
export async function openapiDocument(): Promise<string> {
  const manifest = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const limits = DEFAULT_LIMITS;
  const streams = new LiveStreams(limits.streams);
  const routes = [
    ...moduleRoutes({ health: UNUSED, info: UNUSED, metrics: UNUSED, openapi: UNUSED }),
    ...workflowRoutes(UNUSED),
    ...workbenchRoutes(UNUSED),
    ...runRoutes(UNUSED),
    ...historyRoutes(UNUSED),
    ...approvalRoutes(UNUSED),
    ...deviceRoutes({ devices: UNUSED, simulator: UNUSED, history: UNUSED, clock: UNUSED }),
    ...eventRoutes({ events: UNUSED, streams, limits }),
    ...notificationRoutes(UNUSED),
    ...outboxRoutes(UNUSED),
    ...tokenRoutes(UNUSED, streams),
    ...triggerRoutes(UNUSED, UNUSED),
    ...hookRoutes(UNUSED),
    ...secretRoutes(UNUSED),
  ];
  const text = openapiText(buildApp(routes, limits.bodyBytes, silentLog), version);
  return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
}
