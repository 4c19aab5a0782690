import { RetryableError, TerminalError } from '#core/errors.ts';

/** Reason codes of MQTT 5 §3.4.2.1 that another attempt does not change: not authorised, wrong topic or payload. */
const NEVER: ReadonlySet<unknown> = new Set([135, 144, 153]);

export function offline(url: string, trouble: string | undefined): RetryableError {
  const why = trouble === undefined ? '' : `: ${trouble}`;
  return new RetryableError('mqtt.offline', `there is no connection to the MQTT broker ${url} now${why}`, {
    hint: 'It is tried again by itself. Give the step `retry` to wait for the broker.',
  });
}

export function publishTimeout(topic: string): RetryableError {
  return new RetryableError('mqtt.timeout', `the broker did not acknowledge a message on ${topic} in 30 s`, {
    hint: 'The broker may have it or not. Look whether it is overloaded or its disk is full.',
  });
}

export function notTaken(topic: string, cause: unknown): RetryableError {
  return new RetryableError(
    'mqtt.not_taken',
    `a message on ${topic} could not be taken by what it triggers`,
    {
      hint: 'The workflow it starts could not be recorded now. It works again when the engine and the disk do.',
      cause,
    },
  );
}

export function tooLarge(topic: string, bytes: number, limit: number): TerminalError {
  return new TerminalError(
    'too_large',
    'mqtt.too_large',
    `a message of ${bytes} bytes on ${topic}: the broker takes at most ${limit}`,
    { hint: "Send less, or raise the broker's packet limit (mosquitto: max_packet_size)." },
  );
}

/** What a broker (a numeric reason code) or the client library (no connection any more) said about a publish. */
export function publishError(error: Error & { readonly code?: unknown }, topic: string, url: string): Error {
  if (typeof error.code !== 'number') return offline(url, error.message);
  if (NEVER.has(error.code)) {
    return new TerminalError('failed', 'mqtt.refused', `the broker refuses ${topic}: ${error.message}`, {
      hint: "Allow this user to write to this topic in the broker's access list.",
      cause: error,
    });
  }
  return new RetryableError(
    'mqtt.refused',
    `the broker did not take a message on ${topic}: ${error.message}`,
    {
      hint: "Look at the broker's log and its limits for this user.",
      cause: error,
    },
  );
}
