import type { Device, Reading } from '#hardware/port.ts';
import type { DeviceAnswer, ReadingAnswer } from '../contract/device.ts';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

export function deviceAnswer(device: Device): DeviceAnswer {
  return {
    id: device.id,
    name: device.name,
    driver: device.driver,
    kind: device.kind,
    unit: device.unit ?? null,
    area: device.area ?? null,
    writable: device.writable,
    safe: device.safe ?? null,
    reported: device.reported,
    reported_at: rfc3339OrNull(device.reportedAt),
    quality: device.quality,
    desired: device.desired,
  };
}

export function readingAnswer(reading: Reading): ReadingAnswer {
  return {
    device: reading.device,
    value: reading.value,
    quality: reading.quality,
    at: rfc3339(reading.at),
    unit: reading.unit ?? null,
  };
}
