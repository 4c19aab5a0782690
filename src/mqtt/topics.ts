import { TerminalError } from '#core/errors.ts';
import { filterCovers, topicMatcher } from '#core/topic-filter.ts';

/** MQTT 3.1.1 §1.5.3: a string is at most this many bytes of UTF-8. */
const LONGEST_TOPIC = 65_535;
/** What the embedded broker's matcher takes; the same everywhere, so that a workflow moves between brokers. */
const MOST_LEVELS = 100;

/**
 * A name one can publish to (MQTT 5 §4.7).
 * @throws TerminalError `mqtt.topic_invalid`
 */
export function assertTopic(topic: string): void {
  const fault = topicFault(topic);
  if (fault === undefined) return;
  throw new TerminalError('invalid', 'mqtt.topic_invalid', `"${topic.slice(0, 200)}": ${fault}`, {
    hint: 'A topic is a plain path like greenhouse/fan/set: no + or #, not empty, not starting with $.',
  });
}

/** What is wrong with a name to publish to, or undefined. */
export function topicFault(topic: string): string | undefined {
  if (topic === '') return 'a topic must not be empty';
  if (/[+#]/.test(topic)) return 'a topic to publish to must not contain + or #';
  if (topic.startsWith('$')) return "topics starting with $ are the broker's own";
  return sizeFault(topic);
}

/** What is wrong with a filter to subscribe to, or undefined. */
export function filterFault(filter: string): string | undefined {
  if (filter === '') return 'a topic filter must not be empty';
  if (filter.startsWith('$')) return "topics starting with $ are the broker's own";
  const levels = filter.split('/');
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index < levels.length - 1)) {
      return '# may only stand alone at the end';
    }
    if (level.includes('+') && level !== '+') return '+ must stand for a whole level';
  }
  return sizeFault(filter);
}

function sizeFault(text: string): string | undefined {
  if (text.includes('\u0000')) return 'a topic must not contain a NUL character';
  if (Buffer.byteLength(text) > LONGEST_TOPIC) return `a topic is at most ${LONGEST_TOPIC} bytes`;
  if (text.split('/').length > MOST_LEVELS) return `a topic has at most ${MOST_LEVELS} levels`;
  return undefined;
}

/**
 * The filters without those that another one covers: some brokers send a message once for every subscription
 * that matches, and a trigger would fire twice.
 */
export function withoutCovered(filters: readonly string[]): string[] {
  const distinct = [...new Set(filters)];
  return distinct.filter((one) => !distinct.some((other) => other !== one && filterCovers(other, one)));
}

/** The topics of one appliance, all below its base topic. */
export class OwnTopics {
  readonly base: string;
  /** Retained `{"state":"online"}`, the last will says offline. */
  readonly state: string;
  /** Retained `{"device":"<id>"}`: who uses this base topic. */
  readonly device: string;

  constructor(base: string) {
    this.base = base;
    this.state = `${base}/bridge/state`;
    this.device = `${base}/bridge/device`;
  }

  /** `chainbot.workflow.started` → `<base>/workflow/started`; other types keep their first word. */
  ofEvent(type: string): string {
    const path = type.replaceAll('.', '/');
    return path.startsWith('chainbot/')
      ? `${this.base}${path.slice('chainbot'.length)}`
      : `${this.base}/${path}`;
  }

  isControl(topic: string): boolean {
    return topic.startsWith(`${this.base}/bridge/`);
  }

  isBelow(topic: string): boolean {
    return topic.startsWith(`${this.base}/`);
  }
}

/** Many filters, taken apart once: asked for every message that passes the embedded broker. */
export class FilterSet {
  readonly filters: readonly string[];
  readonly #exact = new Set<string>();
  readonly #wild: ((topic: string) => boolean)[] = [];

  constructor(filters: readonly string[]) {
    this.filters = [...new Set(filters)];
    for (const filter of this.filters) {
      if (/[+#]/.test(filter)) this.#wild.push(topicMatcher(filter));
      else this.#exact.add(filter);
    }
  }

  matches(topic: string): boolean {
    return this.#exact.has(topic) || this.#wild.some((matches) => matches(topic));
  }
}
