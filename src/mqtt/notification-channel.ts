import type { NotificationChannel } from '#workflows/port.ts';
import type { PublishPort } from './port.ts';
import { topicFault } from './topics.ts';

/**
 * `mqtt`, or `mqtt: garden/alarm`: a notification as a message to `<base topic>/notification` or the topic given,
 * QoS 1. `id` in it is the same when a message comes twice.
 */
export function mqttChannel(publisher: PublishPort, baseTopic: string): NotificationChannel {
  return {
    name: 'mqtt',
    fault(option) {
      if (option === null) return undefined;
      return typeof option === 'string' ? topicFault(option) : 'mqtt wants a topic, or nothing';
    },
    async deliver({ at, ...notice }, option, key, signal) {
      const topic = typeof option === 'string' ? option : `${baseTopic}/notification`;
      const payload = JSON.stringify({ ...notice, created_at: new Date(at).toISOString() });
      await publisher.publish(topic, payload, { qos: 1, key }, signal);
    },
  };
}
