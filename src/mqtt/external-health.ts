import { formatDuration } from '#core/duration.ts';
import { type PartHealth, unwell } from '#core/part.ts';

/** What the health of a connection is told from. */
interface Down {
  readonly downMs: number;
  readonly trouble: string | undefined;
}

export function outOfReach(url: string, { downMs, trouble = 'no answer' }: Down): PartHealth {
  return unwell(
    0.3,
    `the MQTT broker ${url} has been out of reach for ${formatDuration(downMs)} (${trouble})`,
    'Check that the broker runs and mqtt.url, mqtt.username and mqtt.password are right. Events wait in the log.',
  );
}

export function notReceiving(url: string, { downMs, trouble = 'no answer' }: Down): PartHealth {
  return unwell(
    0.5,
    `nothing has been received from the MQTT broker ${url} for ${formatDuration(downMs)} (${trouble})`,
    'The broker keeps the messages and sends them again when they can be taken.',
  );
}

export function unsteady(url: string): PartHealth {
  return unwell(
    0.5,
    `the connection to the MQTT broker ${url} is lost again and again`,
    'Is there a copy of this appliance (a copied data directory has the same device id)? Stop it. ' +
      "Otherwise look at the network and the broker's log.",
  );
}

export function subscriptionsRefused(filters: readonly string[]): PartHealth {
  return unwell(
    0.6,
    `the MQTT broker refuses to send ${filters.join(', ')}`,
    "Allow this user to read these topics in the broker's access list.",
  );
}
