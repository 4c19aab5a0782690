import type { PartHealth } from '#core/part.ts';
import type { LiveDevice } from './live-device.ts';

const MOST_NAMED = 10;

/** The share of devices that are well; one that could not be put in its safe state weighs most. */
export function devicesHealth(devices: readonly LiveDevice[], lost: number): PartHealth {
  const reasons: string[] = [];
  const remedies: string[] = [];
  const sick = devices.filter((device) => device.qualityNow !== 'good');
  const unsafe = devices.filter((device) => device.unrest);
  for (const device of sick.slice(0, MOST_NAMED)) {
    const stale = device.qualityNow === 'stale';
    reasons.push(
      stale ? `${device.id} has not reported for a while` : (device.fault ?? `${device.id} is in fault`),
    );
    remedies.push(`Check the power and the wiring of ${device.id}, then: chainbot devices show ${device.id}`);
  }
  for (const device of unsafe.slice(0, MOST_NAMED)) {
    reasons.push(`${device.id} could not be moved to its safe value`);
    remedies.push(`Switch ${device.id} off by hand; it is tried again at every sample.`);
  }
  if (lost > 0) {
    reasons.push(`${lost} facts about devices did not reach the log`);
    remedies.push('See the health of the database.');
  }
  const share = devices.length === 0 ? 1 : 1 - sick.length / devices.length;
  const score = Math.min(share, unsafe.length > 0 ? 0.2 : 1, lost > 0 ? 0.9 : 1);
  return { score: Math.max(0, score), reasons, remedies };
}
