import type { Clock } from '#core/clock.ts';
import { parseDuration } from '#core/duration.ts';
import { TerminalError } from '#core/errors.ts';
import type { DevicesPort, SimulatorPort } from '#hardware/port.ts';
import { ok } from '../answer.ts';
import type { ReadHistory } from '../api-deps.ts';
import {
  deviceListSchema,
  deviceParams,
  deviceSchema,
  deviceWriteBody,
  historyQuery,
  historySchema,
  readingSchema,
  simulateBody,
} from '../contract/device.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { deviceAnswer, readingAnswer } from '../wire/device-answer.ts';
import { rfc3339 } from '../wire/rfc3339.ts';

const tag = 'devices';
const DAY_MS = 86_400_000;
const reading = { description: 'What it reports', schema: readingSchema };

export interface DeviceRoutesDeps {
  readonly devices: DevicesPort;
  readonly simulator?: SimulatorPort | undefined;
  readonly history: ReadHistory;
  readonly clock: Clock;
}

export function deviceRoutes(deps: DeviceRoutesDeps): readonly Endpoint[] {
  return [
    ...showRoutes(deps.devices),
    readRoute(deps.devices),
    writeRoute(deps.devices, 'put'),
    writeRoute(deps.devices, 'post'),
    historyRoute(deps),
    simulateRoute(deps.simulator),
  ];
}

function showRoutes(devices: DevicesPort): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/devices',
      tag,
      summary: 'List the devices with what they last reported',
      answers: { 200: { description: 'Every device', schema: deviceListSchema } },
      handle: () => ok({ devices: devices.list().map(deviceAnswer) }),
    }),
    endpoint({
      method: 'get',
      path: '/devices/{id}',
      tag,
      summary: 'Show a device with what it last reported',
      params: deviceParams,
      answers: { 200: { description: 'The device', schema: deviceSchema } },
      handle: ({ params }) => ok(deviceAnswer(devices.get(params.id))),
    }),
  ];
}

function readRoute(devices: DevicesPort): Endpoint {
  return endpoint({
    method: 'post',
    path: '/devices/{id}/read',
    tag,
    summary: 'Read the real thing now',
    params: deviceParams,
    answers: { 200: reading },
    handle: async ({ params }) => ok(readingAnswer(await devices.read(params.id))),
  });
}

function writeRoute(devices: DevicesPort, method: 'put' | 'post'): Endpoint {
  return endpoint({
    method,
    path: '/devices/{id}',
    tag,
    summary: 'Set a device, for good or for a while',
    params: deviceParams,
    body: { kind: 'json', schema: deviceWriteBody },
    answers: { 200: reading },
    async handle({ params, body, actor }) {
      const pulseMs = body.pulse_for === undefined ? undefined : parseDuration(body.pulse_for);
      return ok(readingAnswer(await devices.write(params.id, { value: body.value, pulseMs, actor })));
    },
  });
}

function historyRoute({ devices, history, clock }: DeviceRoutesDeps): Endpoint {
  return endpoint({
    method: 'get',
    path: '/devices/{id}/history',
    tag,
    summary: "A device's readings, newest first",
    params: deviceParams,
    query: historyQuery,
    answers: { 200: { description: 'Its readings', schema: historySchema } },
    handle({ params, query }) {
      const device = devices.get(params.id).id;
      const to = query.to === undefined ? clock.now() : Date.parse(query.to);
      const from = query.from === undefined ? to - DAY_MS : Date.parse(query.from);
      if (from > to) throw backwards();
      const readings = history(device, from, to, query.limit).map(({ at, value, quality }) => ({
        at: rfc3339(at),
        value,
        quality,
      }));
      return ok({ device, from: rfc3339(from), to: rfc3339(to), readings });
    },
  });
}

function simulateRoute(simulator: SimulatorPort | undefined): Endpoint {
  return endpoint({
    method: 'post',
    path: '/simulator/{id}',
    tag,
    summary: 'Set what a simulated sensor sees',
    params: deviceParams,
    body: { kind: 'json', schema: simulateBody },
    answers: { 200: reading },
    async handle({ params, body, actor }) {
      if (!simulator) throw new TerminalError('not_found', 'sim.not_simulated', 'nothing is simulated here');
      return ok(readingAnswer(await simulator.set(params.id, body.value, actor)));
    },
  });
}

function backwards(): TerminalError {
  return new TerminalError('invalid', 'request.invalid', '"from" is after "to"', {
    faults: [{ path: 'from', message: 'is after "to"' }],
  });
}
