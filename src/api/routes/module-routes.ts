import { z } from 'zod';
import { json, jsonText, ok, okAgain, text } from '../answer.ts';
import type { HealthReport } from '../api-deps.ts';
import { healthSchema, type InfoAnswer, infoSchema } from '../contract/module.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { METRICS_TYPE, type Metric, metricsText } from '../metrics-text.ts';

const tag = 'module';

export interface ModuleRoutesDeps {
  readonly health: () => HealthReport;
  readonly info: () => InfoAnswer;
  readonly metrics: () => readonly Metric[];
  /** The OpenAPI document as text. */
  readonly openapi: () => string;
}

export function moduleRoutes(deps: ModuleRoutesDeps): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/health',
      tag,
      summary: 'How well the daemon and its parts are, with reasons and remedies',
      open: true,
      answers: {
        200: { description: 'It works, perhaps not everything in it', schema: healthSchema },
        503: { description: 'It does not', schema: healthSchema },
      },
      handle() {
        const health = deps.health();
        return health.status === 'failed' ? json(health, 503) : okAgain(health);
      },
    }),
    endpoint({
      method: 'get',
      path: '/info',
      tag,
      summary: 'Version, device, addresses',
      answers: { 200: { description: 'What this daemon is', schema: infoSchema } },
      handle: () => ok(deps.info()),
    }),
    endpoint({
      method: 'get',
      path: '/metrics',
      tag,
      summary: 'Prometheus text format 0.0.4',
      answers: { 200: { description: 'Metrics', schema: z.string(), contentType: 'text/plain' } },
      handle: () => text(metricsText(deps.metrics()), METRICS_TYPE),
    }),
    endpoint({
      method: 'get',
      path: '/openapi.json',
      tag,
      summary: 'This API as OpenAPI 3.1',
      answers: { 200: { description: 'The document', schema: z.looseObject({ openapi: z.string() }) } },
      handle: () => jsonText(deps.openapi()),
    }),
  ];
}
