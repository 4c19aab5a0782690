import { isJsonObject, type Json } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import type { NotificationChannel } from './port.ts';

/** One of the `targets` of a notification. */
export interface NotificationTarget {
  readonly name: string;
  /** null when there is none. */
  readonly option: Json;
}

/** The list that people look at; nothing is to be delivered. */
export const PANEL = 'panel';

/** The channels there are. */
export class NotificationChannels {
  readonly #channels = new Map<string, NotificationChannel>();

  /** A name taken twice is a mistake of ours and throws. */
  register(channel: NotificationChannel): this {
    if (channel.name === PANEL || this.#channels.has(channel.name)) {
      throw new Error(`notification channel ${channel.name} is registered twice`);
    }
    this.#channels.set(channel.name, channel);
    return this;
  }

  get(name: string): NotificationChannel | undefined {
    return this.#channels.get(name);
  }

  /** What is wrong with a target as written or evaluated, and the mend. */
  fault(target: Json): { readonly message: string; readonly hint: string } | undefined {
    const names = [PANEL, ...this.#channels.keys()];
    const read = readTarget(target);
    if (!read) {
      return {
        message: 'is no target',
        hint: 'Write a name, or a name with its option: email: ann@example.org.',
      };
    }
    if (read.name === PANEL) return undefined;
    const channel = this.#channels.get(read.name);
    if (!channel) {
      const hint = didYouMean(read.name, names) ?? `Targets: ${names.join(', ')}.`;
      return { message: `there is no target "${read.name}"`, hint };
    }
    const message = channel.fault(read.option);
    return message === undefined ? undefined : { message, hint: `See docs/steps.md, notification.` };
  }
}

/** `mqtt`, or `{email: ann@example.org}`. */
export function readTarget(target: Json): NotificationTarget | undefined {
  if (typeof target === 'string') return { name: target, option: null };
  if (!isJsonObject(target)) return undefined;
  const [entry, ...others] = Object.entries(target);
  return entry && others.length === 0 ? { name: entry[0], option: entry[1] } : undefined;
}
